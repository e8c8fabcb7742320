# Rscript tests/oracles/dunnett.R > tests/oracles/dunnett.json
#
# Simultaneous comparisons with a control: multcomp on data, mvtnorm on correlations.
suppressPackageStartupMessages({
  library(multcomp)
  library(mvtnorm)
  library(jsonlite)
})

fine <- GenzBretz(maxpts = 1e5, abseps = 1e-5)

set.seed(20261)
sets <- list(c(12, 20, 9), c(30, 15, 15, 40), c(6, 6, 6, 6, 6))
data <- lapply(sets, function(sizes) {
  group <- factor(rep(seq_along(sizes) - 1, sizes))
  y <- round(rnorm(sum(sizes), 0.5 * (as.integer(group) %% 3), 1), 6)
  tests <- lapply(c("two.sided", "greater"), function(side) {
    set.seed(1)
    found <- summary(
      glht(aov(y ~ group), linfct = mcp(group = "Dunnett"), alternative = side),
      test = adjusted("single-step", maxpts = 1e5, abseps = 1e-5)
    )
    list(t = as.numeric(found$test$tstat), p = as.numeric(found$test$pvalues))
  })
  list(
    y = lapply(split(y, group), identity),
    two = tests[[1]],
    one = tests[[2]]
  )
})

chances <- lapply(
  list(
    list(loadings = c(0.5, 0.8), df = 7, value = 2.6),
    list(loadings = c(0.3, 0.6, 0.9), df = 25, value = 2.4),
    list(loadings = c(0.9, 0.95), df = 3, value = 3.5),
    list(loadings = rep(sqrt(0.5), 4), df = 0, value = 2.44)
  ),
  function(case) {
    correlation <- outer(case$loadings, case$loadings)
    diag(correlation) <- 1
    m <- length(case$loadings)
    chance <- function(lower) {
      set.seed(2)
      upper <- rep(case$value, m)
      # 0 degrees of freedom stand for a known variance.
      as.numeric(pmvt(lower, upper, df = case$df, corr = correlation, algorithm = fine))
    }
    c(case, list(two = chance(rep(-case$value, m)), one = chance(rep(-Inf, m))))
  }
)

cat(toJSON(list(data = data, chances = chances), digits = NA, auto_unbox = TRUE, pretty = TRUE))

# Rscript tests/oracles/proportions.R > tests/oracles/proportions.json
#
# Proportions under a hypothesis of a difference or a ratio (Farrington and Manning), by rpact.
suppressPackageStartupMessages({
  library(rpact)
  library(jsonlite)
})

set.seed(41)
found <- list()
for (k in 1:60) {
  n <- sample(10:500, 2)
  x <- c(rbinom(1, n[1], runif(1)), rbinom(1, n[2], runif(1)))
  method <- if (k %% 2) "diff" else "ratio"
  theta <- if (method == "diff") runif(1, -0.6, 0.6) else exp(runif(1, -1.5, 1.5))
  p <- x / n
  null <- rpact:::.getFarringtonManningValues(p[1], p[2], theta, n[1] / n[2], method)
  v <- null$ml1 * (1 - null$ml1) / n[1]
  w <- null$ml2 * (1 - null$ml2) / n[2]
  z <- if (method == "diff") (p[1] - p[2] - theta) / sqrt(v + w)
       else (p[1] - theta * p[2]) / sqrt(v + theta^2 * w)
  found[[k]] <- list(
    method = method, theta = theta, treatment = c(x[1], n[1]), control = c(x[2], n[2]),
    null_treatment = null$ml1, null_control = null$ml2, z = z
  )
}
cat(toJSON(list(cases = found), digits = NA, auto_unbox = TRUE, pretty = TRUE))

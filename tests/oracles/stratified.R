# Rscript tests/oracles/stratified.R > tests/oracles/stratified.json
#
# Blocked differences in means, by estimatr.
suppressPackageStartupMessages({
  library(estimatr)
  library(jsonlite)
})

set.seed(20261)
found <- list()
for (k in 1:6) {
  blocks <- c(2, 3, 5, 8, 4, 12)[k]
  size <- sample(seq(20, 60, by = 4), blocks, replace = TRUE)
  block <- rep(seq_len(blocks), size)
  # The same share everywhere, or (from the fourth on) another one in each block.
  share <- if (k <= 3) rep(0.5, blocks) else sample(c(0.25, 0.5, 0.75), blocks, replace = TRUE)
  treated <- unlist(lapply(seq_len(blocks), function(b) {
    m <- size[b] * share[b]
    sample(c(rep(1, m), rep(0, size[b] - m)))
  }))
  y <- round(rnorm(length(block), block * 3 + treated * 1.5, 1 + block / 3), 6)
  fit <- difference_in_means(y ~ treated, blocks = block, data = data.frame(y, treated, block))
  found[[k]] <- list(
    y = y, treated = treated, block = block,
    estimate = unname(fit$coefficients), se = unname(fit$std.error)
  )
}
cat(toJSON(list(cases = found), digits = NA, auto_unbox = TRUE))

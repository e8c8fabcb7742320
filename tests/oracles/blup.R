# Rscript tests/oracles/blup.R > tests/oracles/blup.json
#
# Effects of exchangeable groups given their spread, by metafor's best linear unbiased predictions.
suppressPackageStartupMessages({
  library(metafor)
  library(jsonlite)
})

y <- c(28, 8, -3, 7, -1, 1, 18, 12)
se <- c(15, 10, 16, 11, 9, 11, 10, 18)
found <- list()
for (tau in c(0.5, 5, 10, 40)) {
  fit <- rma(yi = y, sei = se, tau2 = tau^2, method = "REML")
  each <- blup(fit)
  found[[length(found) + 1]] <- list(
    tau = tau, mean = as.numeric(fit$beta), mean_se = fit$se, effects = each$pred, ses = each$se
  )
}
cat(toJSON(list(y = y, se = se, fits = found), digits = NA, auto_unbox = TRUE, pretty = TRUE))

# Rscript tests/oracles/pooled.R > tests/oracles/pooled.json
#
# Random-effects means with Hartung-Knapp intervals and prediction intervals, by metafor.
suppressPackageStartupMessages({
  library(metafor)
  library(jsonlite)
})

set.seed(77)
found <- list()
for (k in c(3, 4, 8, 25)) {
  for (tau in c(0, 1, 3)) {
    se <- exp(runif(k, -1, 1))
    y <- rnorm(k, 0.8, sqrt(tau^2 + se^2))
    fit <- rma(
      yi = y, sei = se, method = "REML", test = "knha",
      control = list(threshold = 1e-13, maxiter = 100000, stepadj = 0.5)
    )
    ahead <- predict(fit)
    found[[length(found) + 1]] <- list(
      name = sprintf("k%d_tau%g", k, tau), y = y, se = se, tau = sqrt(fit$tau2),
      mean = as.numeric(fit$beta), mean_se = fit$se, low = fit$ci.lb, high = fit$ci.ub,
      p_value = fit$pval, next_low = ahead$pi.lb, next_high = ahead$pi.ub,
      q = fit$QE, q_p_value = fit$QEp
    )
  }
}
cat(toJSON(list(fits = found), digits = NA, auto_unbox = TRUE, pretty = TRUE))

# Rscript tests/oracles/meta.R > tests/oracles/meta.json
#
# Mean and spread of effects over experiments, by metafor: REML, DL and EB.
suppressPackageStartupMessages({
  library(metafor)
  library(jsonlite)
})

set.seed(20260)
sets <- list(
  schools = list(y = c(28, 8, -3, 7, -1, 1, 18, 12), se = c(15, 10, 16, 11, 9, 11, 10, 18)),
  none = list(y = c(0.1, -0.1, 0.05, 0.0, -0.02), se = c(0.2, 0.3, 0.25, 0.2, 0.4))
)
for (k in c(5, 12, 40)) {
  for (tau in c(0.3, 1, 4)) {
    se <- exp(runif(k, -1, 1))
    y <- rnorm(k, 0.5, sqrt(tau^2 + se^2))
    sets[[sprintf("k%d_tau%g", k, tau)]] <- list(y = y, se = se)
  }
}

found <- list()
for (name in names(sets)) {
  each <- sets[[name]]
  for (method in c("REML", "DL", "EB")) {
    fit <- rma(
      yi = each$y, sei = each$se, method = method,
      control = list(threshold = 1e-13, maxiter = 100000, stepadj = 0.5)
    )
    found[[length(found) + 1]] <- list(
      name = name, method = method, y = each$y, se = each$se,
      mean = as.numeric(fit$beta), mean_se = fit$se, tau2 = fit$tau2
    )
  }
}
cat(toJSON(list(fits = found), digits = NA, auto_unbox = TRUE, pretty = TRUE))

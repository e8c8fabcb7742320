# Rscript tests/oracles/survival.R > tests/oracles/survival.json
#
# Kaplan-Meier, restricted means and log-rank tests of two published data sets, by survival.
suppressPackageStartupMessages({
  library(survival)
  library(jsonlite)
})

sets <- list(
  veteran = list(data = with(veteran, data.frame(time, event = status, arm = trt - 1)), at = c(100, 300)),
  lung = list(
    data = with(lung, data.frame(time, event = status - 1, arm = sex - 1)), at = c(180, 365, 700)
  )
)
found <- list()
for (name in names(sets)) {
  data <- sets[[name]]$data
  for (horizon in sets[[name]]$at) {
    # What happens after the horizon is censored at it.
    cut <- data
    cut$event[cut$time > horizon] <- 0
    cut$time <- pmin(cut$time, horizon)
    test <- survdiff(Surv(time, event) ~ arm, data = cut)
    arms <- lapply(0:1, function(a) {
      fit <- survfit(Surv(time, event) ~ 1, data = cut[cut$arm == a, ])
      mean <- survival:::survmean(fit, rmean = horizon)$matrix
      at <- summary(fit, times = horizon, extend = TRUE)
      list(
        mean = unname(mean["rmean"]), mean_se = unname(mean["se(rmean)"]),
        share = at$surv, share_se = at$std.err
      )
    })
    found[[length(found) + 1]] <- list(
      name = name, horizon = horizon, time = data$time, event = data$event, arm = data$arm,
      control = arms[[1]], treatment = arms[[2]], chi_square = unname(test$chisq)
    )
  }
}
cat(toJSON(list(cases = found), digits = NA, auto_unbox = TRUE))

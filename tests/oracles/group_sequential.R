# Rscript tests/oracles/group_sequential.R > tests/oracles/group_sequential.json
#
# Lan-DeMets boundaries of several spending functions, by rpact.
suppressPackageStartupMessages({
  library(rpact)
  library(jsonlite)
})

families <- list(
  list(name = "obrien_fleming", type = "asOF"),
  list(name = "pocock", type = "asP"),
  list(name = "kim_demets", type = "asKD", gamma = 1),
  list(name = "kim_demets", type = "asKD", gamma = 2),
  list(name = "kim_demets", type = "asKD", gamma = 3),
  list(name = "hwang_shih_decani", type = "asHSD", gamma = -4),
  list(name = "hwang_shih_decani", type = "asHSD", gamma = 1)
)
timings <- list(
  (1:5) / 5, (1:14) / 14, c(0.3, 0.55, 1), c(0.5, 0.52, 0.9, 1), c(0.05, 0.1, 0.7, 1), 1
)

designs <- list()
for (family in families) {
  for (times in timings) {
    for (sided in 1:2) {
      alpha <- if (sided == 2) 0.05 else 0.025
      arguments <- list(
        typeOfDesign = family$type, informationRates = times, alpha = alpha, sided = sided,
        tolerance = 1e-10
      )
      if (length(times) == 1) {
        arguments$informationRates <- NULL
        arguments$kMax <- 1
      }
      if (!is.null(family$gamma)) arguments$gammaA <- family$gamma
      if (sided == 2) arguments$twoSidedPower <- TRUE
      design <- suppressWarnings(do.call(getDesignGroupSequential, arguments))
      row <- list(
        spending = family$name, sides = sided, alpha = alpha, times = I(times),
        z = I(design$criticalValues), spent = I(design$alphaSpent)
      )
      if (!is.null(family$gamma)) row$shape <- family$gamma
      designs[[length(designs) + 1]] <- row
    }
  }
}

# The chance to pass a boundary by each look, for an effect of theta * sqrt(planned information).
powers <- list()
for (family in families[c(1, 2, 4)]) {
  for (looks in c(5, 14)) {
    arguments <- list(
      typeOfDesign = family$type, kMax = looks, alpha = 0.025, sided = 1, tolerance = 1e-10
    )
    if (!is.null(family$gamma)) arguments$gammaA <- family$gamma
    design <- do.call(getDesignGroupSequential, arguments)
    for (theta in c(0, 2, qnorm(0.975) + qnorm(0.8), 4)) {
      found <- getPowerAndAverageSampleNumber(design, theta = theta, nMax = 1)
      row <- list(
        spending = family$name, looks = looks, theta = theta,
        power = found$overallReject[1], average = found$averageSampleNumber[1]
      )
      if (!is.null(family$gamma)) row$shape <- family$gamma
      powers[[length(powers) + 1]] <- row
    }
  }
}

cat(toJSON(list(designs = designs, powers = powers), digits = NA, auto_unbox = TRUE, pretty = TRUE))

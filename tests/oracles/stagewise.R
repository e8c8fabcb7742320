# Rscript tests/oracles/stagewise.R > tests/oracles/stagewise.json
#
# Stage-wise p values, intervals and estimates, repeated intervals, conditional power, by rpact.
suppressPackageStartupMessages({
  library(rpact)
  library(jsonlite)
})

quiet <- function(expression) {
  invisible(capture.output(value <- suppressWarnings(suppressMessages(expression))))
  value
}

# Two arms of equal size and a standard deviation of 1: information is n / 2.
data_of <- function(n, effects) {
  getDataset(
    cumulativeN1 = n, cumulativeN2 = n, cumulativeMeans1 = effects, cumulativeMeans2 = 0 * n,
    cumulativeStDevs1 = rep(1, length(n)), cumulativeStDevs2 = rep(1, length(n))
  )
}

cases <- list(
  list(type = "asOF", n = c(30, 60, 100), effects = c(0.40, 0.35, 0.41), sided = 1),
  list(type = "asOF", n = c(30, 60, 100), effects = c(0.40, 0.35, 0.41), sided = 2),
  list(type = "asP", n = c(30, 60, 100), effects = c(0.40, 0.50), sided = 1),
  list(type = "asP", n = c(30, 60, 100), effects = c(0.40, 0.50), sided = 2),
  list(type = "asP", n = c(30, 60, 100), effects = c(0.30, 0.20, 0.10), sided = 1),
  list(type = "asOF", n = c(50, 100, 150, 200), effects = c(0.1, 0.3, 0.31), sided = 1),
  list(type = "asOF", n = c(50, 100, 150, 200), effects = c(0.1, 0.3, 0.31), sided = 2),
  list(type = "asP", n = c(80, 120, 200), effects = 0.9, sided = 1),
  list(type = "asKD", gamma = 2, n = c(40, 80, 200), effects = c(0.2, 0.51), sided = 1),
  list(type = "asKD", gamma = 2, n = c(40, 80, 200), effects = c(0.2, 0.1, 0.22), sided = 2)
)

finals <- list()
for (case in cases) {
  alpha <- if (case$sided == 2) 0.05 else 0.025
  arguments <- list(
    typeOfDesign = case$type, informationRates = case$n / max(case$n), alpha = alpha,
    sided = case$sided, tolerance = 1e-10
  )
  if (!is.null(case$gamma)) arguments$gammaA <- case$gamma
  if (case$sided == 2) arguments$twoSidedPower <- TRUE
  design <- quiet(do.call(getDesignGroupSequential, arguments))
  made <- seq_along(case$effects)
  data <- data_of(case$n[made], case$effects)
  stages <- quiet(getStageResults(design, data, normalApproximation = TRUE))
  final <- quiet(
    getFinalConfidenceInterval(design, data, normalApproximation = TRUE, tolerance = 1e-10)
  )
  p <- quiet(getFinalPValue(stages))
  row <- list(
    sides = case$sided, alpha = alpha, n = I(case$n[made]), effects = I(case$effects),
    stage_statistics = I(stages$overallTestStatistics[made]),
    boundaries = I(design$criticalValues[made]),
    stage = final$finalStage, estimate = final$medianUnbiasedGeneral,
    low = final$finalConfidenceIntervalGeneral[1], high = final$finalConfidenceIntervalGeneral[2],
    p_value = p$pFinal
  )
  if (length(finals) < 2) {
    repeated <- quiet(
      getRepeatedConfidenceIntervals(design, data, normalApproximation = TRUE, tolerance = 1e-10)
    )
    row$repeated_low <- I(repeated[1, made])
    row$repeated_high <- I(repeated[2, made])
  }
  finals[[length(finals) + 1]] <- row
}

# One look to come: no stop in between.
powers <- list()
for (row in list(c(0.2, 100), c(0.1, 100), c(0.25, 60), c(-0.1, 140))) {
  design <- quiet(getDesignGroupSequential(
    typeOfDesign = "asOF", informationRates = c(row[2] / 200, 1), alpha = 0.025, sided = 1,
    tolerance = 1e-10
  ))
  data <- data_of(row[2], row[1])
  stages <- quiet(getStageResults(design, data, normalApproximation = TRUE))
  for (truth in c(row[1], 0, 0.3)) {
    found <- quiet(getConditionalPower(
      stages, nPlanned = 2 * (200 - row[2]), thetaH1 = truth, assumedStDev = 1
    ))
    powers[[length(powers) + 1]] <- list(
      n = row[2], n_final = 200, effect = row[1], truth = truth,
      boundary = design$criticalValues[2], power = found$conditionalPower[2]
    )
  }
}

cat(toJSON(list(finals = finals, powers = powers), digits = NA, auto_unbox = TRUE, pretty = TRUE))

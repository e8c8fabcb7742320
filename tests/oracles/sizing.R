# Rscript tests/oracles/sizing.R > tests/oracles/sizing.json
#
# By how much looks inflate an experiment, and its size for means, by rpact.
suppressPackageStartupMessages({
  library(rpact)
  library(jsonlite)
})

families <- list(
  list(name = "obrien_fleming", type = "asOF"),
  list(name = "pocock", type = "asP"),
  list(name = "kim_demets:2", type = "asKD", gamma = 2)
)
found <- list()
for (family in families) {
  for (looks in c(1, 2, 5, 14)) {
    for (power in c(0.8, 0.95)) {
      arguments <- list(
        typeOfDesign = family$type, kMax = looks, alpha = 0.025, sided = 1, beta = 1 - power,
        tolerance = 1e-10
      )
      if (!is.null(family$gamma)) arguments$gammaA <- family$gamma
      design <- suppressWarnings(do.call(getDesignGroupSequential, arguments))
      inflation <- if (looks == 1) 1 else getDesignCharacteristics(design)$inflationFactor
      size <- getSampleSizeMeans(
        design, alternative = 0.2, stDev = 1, normalApproximation = TRUE, allocationRatioPlanned = 1
      )
      found[[length(found) + 1]] <- list(
        spending = family$name, looks = looks, power = power, inflation = inflation,
        units = max(size$numberOfSubjects)
      )
    }
  }
}
cat(toJSON(list(designs = found), digits = NA, auto_unbox = TRUE, pretty = TRUE))

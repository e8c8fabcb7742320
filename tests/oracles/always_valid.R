# Rscript tests/oracles/always_valid.R > tests/oracles/always_valid.json
#
# Confidence sequences from their definition: the mixture of likelihood ratios, integrated by R and
# solved for where it reaches 1/alpha. No closed form is used. (confseq does not build here, and
# GrowthBook's and Eppo's closed forms are this very bound.)
suppressPackageStartupMessages(library(jsonlite))

# The logarithm of the mean of exp(lambda s - lambda^2 v / 2), lambda ~ N(0, 1/rho) or its positive half.
# As one normal integral: the factor exp(s^2 / 2 (v + rho)) is taken out, so that nothing overflows.
log_mixture <- function(s, v, rho, sides) {
  centre <- s / (v + rho)
  spread <- 1 / sqrt(v + rho)
  peak <- s^2 / (2 * (v + rho))
  inside <- function(lambda) {
    exp(lambda * s - lambda^2 * v / 2 + dnorm(lambda, 0, 1 / sqrt(rho), log = TRUE) - peak)
  }
  from <- if (sides == 1) 0 else centre - 12 * spread
  to <- max(from, centre) + 12 * spread
  area <- integrate(inside, from, to, rel.tol = 1e-12, subdivisions = 500L)$value
  peak + log(area) + (if (sides == 1) log(2) else 0)
}

bound <- function(v, rho, alpha, sides) {
  root <- uniroot(
    function(s) log_mixture(s, v, rho, sides) + log(alpha), c(0, 12 * sqrt(v)), tol = 1e-12
  )
  root$root / sqrt(v)
}

rows <- list()
for (sides in c(2, 1)) {
  for (alpha in c(0.05, 0.025, 0.01, 0.001)) {
    # rho that makes the two-sided bound tightest at v = 1, searched for.
    two <- if (sides == 2) alpha else 2 * alpha
    best <- optimize(
      function(log_rho) bound(1, exp(log_rho), two, 2), c(-6, 1), tol = 1e-9
    )
    rho <- exp(best$minimum)
    for (fraction in c(0.05, 0.2, 0.5, 1, 1.5, 4)) {
      rows[[length(rows) + 1]] <- list(
        sides = sides, alpha = alpha, fraction = fraction,
        z = bound(fraction, rho, alpha, sides)
      )
    }
  }
}

# GrowthBook's and Eppo's choice of rho for N* = 10,000, and the half-width that they publish, in
# standard errors, at n units: sqrt(2 (n rho^2 + 1) / (n rho^2) log(sqrt(n rho^2 + 1) / alpha)).
published <- list()
for (alpha in c(0.05, 0.01)) {
  for (n in c(500, 5000, 10000, 40000)) {
    rho2 <- (-2 * log(alpha) + log(-2 * log(alpha) + 1)) / 10000
    published[[length(published) + 1]] <- list(
      alpha = alpha, fraction = n / 10000,
      z = sqrt(2 * (n * rho2 + 1) / (n * rho2) * log(sqrt(n * rho2 + 1) / alpha))
    )
  }
}

cat(toJSON(list(bounds = rows, published = published), digits = NA, auto_unbox = TRUE, pretty = TRUE))

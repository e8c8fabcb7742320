# Rscript tests/oracles/clusters.R > tests/oracles/clusters.json
#
# CR2 with Satterthwaite's degrees of freedom by clubSandwich and estimatr, on uneven teams with and
# without a covariate of the team; the intraclass correlation by lme4 (REML), on teams of one size.
suppressPackageStartupMessages({
  library(clubSandwich)
  library(estimatr)
  library(lme4)
  library(jsonlite)
})

set.seed(20264)
draw <- function(sizes, treated, sd_team) {
  team <- rep(seq_along(sizes), sizes)
  level <- rnorm(length(sizes), 0, sd_team)
  before <- round(40 + level[team] + rnorm(length(team), 0, 6), 5)
  after <- round(0.5 * before + rnorm(length(sizes), 0, sd_team)[team] +
    1.5 * treated[team] + rnorm(length(team), 0, 5), 5)
  data.frame(team, treated = treated[team], before, after,
    team_before = ave(before, team))
}

judge <- function(formula, data) {
  fit <- lm(formula, data)
  club <- coef_test(fit, vcov = "CR2", cluster = data$team, test = "Satterthwaite")
  club <- club[club$Coef == "treated", ]
  esti <- lm_robust(formula, data, clusters = team, se_type = "CR2")
  list(
    effect = club$beta, se = club$SE, df = club$df_Satt, p = club$p_Satt,
    estimatr_se = unname(esti$std.error["treated"]), estimatr_df = unname(esti$df["treated"])
  )
}

cases <- list()
for (k in 1:8) {
  n_teams <- c(6, 8, 10, 12, 15, 20, 30, 44)[k]
  sizes <- sample(2:30, n_teams, replace = TRUE)
  treated <- sample(rep(0:1, length.out = n_teams))
  d <- draw(sizes, treated, c(1, 2, 4)[k %% 3 + 1])
  cases[[k]] <- list(
    team = d$team, treated = d$treated, before = d$before, after = d$after,
    plain = judge(after ~ treated, d), adjusted = judge(after ~ treated + team_before, d)
  )
}

balanced <- list()
for (k in 1:5) {
  n_teams <- c(8, 12, 20, 16, 40)[k]
  size <- c(10, 25, 6, 12, 8)[k]
  d <- draw(rep(size, n_teams), rep(0:1, length.out = n_teams), 3)
  fit <- lmer(after ~ treated + (1 | team), d, REML = TRUE,
    control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10)))
  v <- as.data.frame(VarCorr(fit))$vcov
  balanced[[k]] <- list(team = d$team, treated = d$treated, after = d$after, icc = v[1] / sum(v))
}
cat(toJSON(list(cases = cases, balanced = balanced), digits = NA, auto_unbox = TRUE))

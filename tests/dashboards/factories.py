"""Readouts, answers and views as a running server would fill them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from analysis.across.report import PastExperiment, summarise
from analysis.across.results import Measure
from analysis.answers import Answer, ChartData, TableData
from analysis.results import (
    Benefit,
    BenefitLevel,
    CheckResult,
    ComponentEffect,
    ComponentSplit,
    Decision,
    Estimate,
    MetricResult,
    NotEstimable,
    Posterior,
    Readout,
    Relative,
    Sequential,
    TrendPoint,
    Verdict,
)
from analysis.sequence import CoPrimaryLook
from dashboards import views
from dashboards.report import ReportBody, ReportSection
from dashboards.source_rows import SourceFinding, SourceRow

START = datetime(2025, 1, 6, 6, tzinfo=UTC)
MONDAYS = [(START + timedelta(days=7 * week)).date().isoformat() for week in range(8)]


def navigation(section="experiments", **changes):
    """What a signed-in editor sees around every page, with two environments."""
    values = {
        "member": views.MemberInfo("Mira Okafor", "editor", "mira@example.com"),
        "environments": (
            views.EnvironmentLink("production", "Production"),
            views.EnvironmentLink("staging", "Staging"),
        ),
        "environment": "production",
        "section": section,
        "csrf_token": "token-of-the-session",
        "server_url": "https://momentum.example.com",
    }
    return views.Navigation(**{**values, **changes})


def estimate(variant="streak", effect=3.2, half=2.1, metric="energize", **changes):
    """One treatment's estimate; ``half`` is half of its interval."""
    se = half / 1.96
    values = {
        "metric": metric,
        "variant": variant,
        "control": "control",
        "method": "cuped",
        "n": 1204,
        "n_control": 1187,
        "n_learners": 1204,
        "n_learners_control": 1187,
        "mean": 50.1 + effect,
        "mean_control": 50.1,
        "effect": effect,
        "se": se,
        "df": 2300.0,
        "low": effect - half,
        "high": effect + half,
        "p_value": 0.0031,
        "relative": Relative(effect / 50.1, (effect - half) / 50.1, (effect + half) / 50.1),
        "posterior": Posterior(
            mean=effect * 0.97,
            sd=se,
            low=effect - half,
            high=effect + half,
            p_better=0.9986 if effect > 0 else 0.02,
            p_meaningful=0.9412,
            expected_loss=0.0041,
            prior_sd=5.0,
        ),
        "variance_reduction": 0.34,
    }
    return Estimate(**{**values, **changes})


def metric(estimates=None, **changes):
    """The primary metric of a readout."""
    values = {
        "key": "energize",
        "title": "Energize Score",
        "role": "primary",
        "direction": "increase",
        "unit_label": "points",
        "minimum_effect": 1.5,
        "estimates": tuple(estimates) if estimates is not None else (estimate(),),
        "p_best": {"control": 0.01, "streak": 0.99},
    }
    return MetricResult(**{**values, **changes})


def checks():
    """Three checks that passed."""
    return (
        CheckResult(
            "sample_ratio",
            "Sample ratio",
            passed=True,
            severity="stop",
            sentence="1,187 and 1,204 learners fit the planned 50 : 50.",
            p_value=0.73,
        ),
        CheckResult(
            "exposure_gap",
            "Exposure gap",
            passed=True,
            severity="warn",
            sentence="Exposures arrived on each of the 42 days.",
        ),
        CheckResult(
            "crossover",
            "Crossover",
            passed=True,
            severity="stop",
            sentence="No learner met more than one variant.",
        ),
    )


def sequential(look=3, z=2.95, boundary=2.45, **changes):
    """What look 3 of 4 was allowed to conclude."""
    values = {
        "look": look,
        "looks_planned": 4,
        "information_fraction": 0.25 * look,
        "alpha_spent": 0.0193,
        "boundary_z": boundary,
        "z": z,
        "crossed": z > boundary,
        "harm_low": -0.4,
        "harm": False,
        "days_left": 11.0,
    }
    return Sequential(**{**values, **changes})


def split(variant="streak"):
    """A score effect by component."""
    parts = (("retention", 1.5), ("activity", 1.0), ("incentive", 0.8), ("community", -0.1))
    return ComponentSplit(
        variant,
        tuple(ComponentEffect(name, effect, 0.35) for name, effect in parts),
        effect_without_incentive=2.8,
        se_without_incentive=0.9,
    )


def trend(variant="streak", effect=3.2, days=24):
    """The estimate's way from wide to narrow."""
    return tuple(
        TrendPoint(
            day=(START + timedelta(days=28 + day)).date().isoformat(),
            variant=variant,
            n=60 * day,
            effect=effect * (1 + 0.8 / day * (-1) ** day),
            low=effect - 9 / day**0.5,
            high=effect + 9 / day**0.5,
        )
        for day in range(1, days + 1)
    )


def benefit(**changes):
    """Whether roles differ: sellers look best, as far as that says anything."""
    found = (("driver", 1.0, 2.6), ("nurse", 2.5, 3.0), ("seller", 6.1, 4.0))
    values = {
        "metric": "energize",
        "variant": "streak",
        "segment": "role",
        "levels": tuple(
            BenefitLevel(
                level=level,
                n=700,
                effect=effect,
                se=1.5,
                low=effect - 2.9,
                high=effect + 2.9,
                pooled=pooled,
                pooled_low=pooled - 2.0,
                pooled_high=pooled + 2.0,
                p_better=0.97,
            )
            for level, effect, pooled in found
        ),
        "left_out": ("pilot",),
        "p_value": 0.13,
        "p_adjusted": 0.4,
    }
    return Benefit(**{**values, **changes})


def readout(verdict=Verdict.SHIP, **changes):
    """One readout of an experiment with two variants."""
    values = {
        "experiment": "streak-badges",
        "title": "Streak badges for daily practice",
        "domain": "incentive",
        "unit_kind": "learner",
        "variants": ("control", "streak"),
        "control": "control",
        "as_of": (START + timedelta(days=42)).isoformat(),
        "look": 3,
        "looks_planned": 4,
        "plan_fingerprint": "5f3a" * 16,
        "lake_version": {"events": 118, "exposures": 97, "learners": 12},
        "definition_version": 4,
        "score_version": "v1-2025-01-05",
        "n_exposed": {"control": 1502, "streak": 1498},
        "n_mature": {"control": 1187, "streak": 1204},
        "decision": decision(verdict),
        "metrics": (
            metric(),
            metric(
                [estimate(effect=0.031, half=0.042, metric="weekly_return")],
                key="weekly_return",
                title="Weekly return",
                role="secondary",
                unit_label="",
                minimum_effect=None,
            ),
            metric(
                [NotEstimable("No call was rated yet.", "Send call_quality events.")],
                key="call_quality",
                title="Call quality",
                role="guardrail",
                unit_label="",
                minimum_effect=None,
            ),
        ),
        "checks": checks(),
        "sequential": sequential(),
        "benefits": (benefit(), benefit(segment="region", p_adjusted=0.003)),
        "component_splits": (split(),),
        "trend": trend(),
    }
    return Readout(**{**values, **changes})


def co_primary_readout():
    """A readout whose co-primary has won while the primary has not."""
    sales = CoPrimaryLook("sales", 0.7, 2.45, 2.95, crossed=True, harm_low=-0.2, harm=False)
    both = ("control", "streak")
    shown = readout(sequential=sequential(z=1.1, co_primaries=(sales,)))
    estimates = [estimate(effect=31.0, half=20.0, metric="sales")]
    beside = metric(
        estimates,
        key="sales",
        title="Sales",
        role="co_primary",
        unit_label="EUR",
        minimum_effect=10.0,
        p_best=dict.fromkeys(both, 0.5),
        correction="holm",
    )
    return replace(shown, metrics=(shown.metrics[0], beside, *shown.metrics[1:]))


REASONS = {
    Verdict.SHIP: "Streak badges raise the Energize Score by 3.2 points (1.1 to 5.3), more than "
    "the 1.5 that matter, and no guardrail got worse.",
    Verdict.KEEP_RUNNING: "The effect is not clear yet: 0.9 points (−1.2 to 3.0) at look 2 of 4.",
    Verdict.ROLL_BACK: "The leaderboard lowers the Energize Score by 4.1 points (2.2 to 6.0).",
    Verdict.NO_MEANINGFUL_DIFFERENCE: "The effect lies between −0.6 and 0.9 points, inside the "
    "1.5 that would matter.",
    Verdict.INCONCLUSIVE: "The last look came and the effect can still be anything from −1.9 to "
    "2.4 points.",
    Verdict.REVIEW: "Streak badges raise the Energize Score by 3.2 points (1.1 to 5.3), but it is "
    "not shown that they spare the guardrail Call quality.",
    Verdict.DO_NOT_USE: "The variants' sizes differ from the plan far more than chance allows.",
}


def decision(verdict=Verdict.SHIP):
    """A decision with its reason."""
    return Decision(
        verdict=verdict,
        reason=REASONS[verdict],
        rule=verdict.name.lower(),
        would_change="A guardrail that gets worse at a later look, or a failed check.",
        winner="streak" if verdict is Verdict.SHIP else None,
    )


def broken_readout():
    """A readout whose sample ratio failed: nothing may be concluded."""
    bad = replace(
        checks()[0],
        passed=False,
        sentence="1,187 and 1,604 learners do not fit the planned 50 : 50.",
        p_value=1e-9,
    )
    return readout(Verdict.DO_NOT_USE, checks=(bad, *checks()[1:]))


def three_variant_readout():
    """A readout with two treatments of which one does harm."""
    arms = (estimate(), estimate("leaderboard", effect=-1.4, half=1.9))
    best = {"control": 0.03, "streak": 0.96, "leaderboard": 0.01}
    return readout(
        Verdict.KEEP_RUNNING,
        variants=("control", "streak", "leaderboard"),
        metrics=(metric(arms, p_best=best),),
        n_exposed={"control": 1002, "streak": 1010, "leaderboard": 988},
        n_mature={"control": 801, "streak": 822, "leaderboard": 790},
        component_splits=(split(), split("leaderboard")),
        trend=trend() + trend("leaderboard", -1.4),
    )


def empty_readout():
    """A first look before anybody's window is complete."""
    nothing = NotEstimable("No learner has completed the 28-day window.", "Wait until 3 Feb 2025.")
    return readout(
        Verdict.KEEP_RUNNING,
        look=1,
        metrics=(metric([nothing], p_best={}),),
        n_mature={"control": 0, "streak": 0},
        checks=(),
        sequential=None,
        benefits=(),
        component_splits=(),
        trend=(),
    )


def design(**changes):
    """The design of an experiment with two variants."""
    values = {
        "key": "streak-badges",
        "title": "Streak badges for daily practice",
        "hypothesis": "A visible streak makes tomorrow's visit more likely, above all in week 2.",
        "domain": "incentive",
        "unit_kind": "learner",
        "state": "running",
        "version": 4,
        "variants": (
            views.VariantInfo("control", "No streak", 0.5, None),
            views.VariantInfo("streak", "Streak badge", 0.5, {"badge": "flame", "days": 5}),
        ),
        "metrics": (
            views.MetricInfo("energize", "Energize Score", "primary", 28, 1.5, "points"),
            views.MetricInfo("weekly_return", "Weekly return", "secondary", 28),
            views.MetricInfo("call_quality", "Call quality", "guardrail", 28),
        ),
        "phases": (views.PhaseInfo(1, START),),
        "condition": {"role": {"$in": ["sales", "support"]}},
        "looks_planned": 4,
    }
    return views.ExperimentDesign(**{**values, **changes})


def three_variant_design():
    """The design behind ``three_variant_readout``."""
    arms = (
        views.VariantInfo("control", "Plain course", 1 / 3),
        views.VariantInfo("streak", "Streak badge", 1 / 3),
        views.VariantInfo("leaderboard", "Leaderboard", 1 / 3),
    )
    return design(variants=arms)


def readout_view(shown=None, **changes):
    """One experiment's page, three looks in."""
    shown = shown or readout()
    earlier = tuple(
        replace(
            shown,
            look=look,
            decision=decision(Verdict.KEEP_RUNNING),
            as_of=(START + timedelta(days=28 + 7 * (look - 1))).isoformat(),
            sequential=sequential(look, z, boundary),
        )
        for look, z, boundary in ((1, 1.1, 4.33), (2, 2.2, 2.96))
    )
    values = {
        "navigation": navigation(),
        "design": design(),
        "readout": shown,
        "readout_id": 7,
        "history": (*earlier, shown) if shown.sequential else (shown,),
        "next_look_at": START + timedelta(days=49),
        "days_running": 42,
        "may_stop": True,
    }
    return views.ReadoutView(**{**values, **changes})


def draft_view():
    """An experiment that nobody started."""
    return views.ReadoutView(
        navigation=navigation(), design=design(state="draft", phases=()), may_start=True
    )


def experiments_view(**changes):
    """A list with every state and four decisions."""
    summary = views.ExperimentSummary
    rows = (
        summary(
            "streak-badges",
            "Streak badges for daily practice",
            "incentive",
            "learner",
            "running",
            42,
            3000,
            readout(),
            START + timedelta(days=49),
        ),
        summary(
            "three-arms",
            "Streak or leaderboard",
            "challenge_format",
            "team",
            "running",
            42,
            3000,
            three_variant_readout(),
            START + timedelta(days=49),
        ),
        summary("nudge", "Monday nudge", "messaging", "learner", "running", 2),
        summary("new-order", "Practice before theory", "sequencing", "learner", "draft"),
        summary(
            "long-intro",
            "Longer introduction video before the first challenge of every module",
            "sequencing",
            "learner",
            "stopped",
            56,
            2890,
            readout(Verdict.ROLL_BACK, metrics=(metric([estimate(effect=-4.1, half=1.9)]),)),
        ),
        summary(
            "old",
            "Points for reading",
            "incentive",
            "learner",
            "stopped",
            70,
            900,
            broken_readout(),
        ),
    )
    return views.ExperimentsView(**{"navigation": navigation(), "experiments": rows, **changes})


def charts():
    """Rows for each chart that a learning question draws."""
    weekly = (("new", 120), ("retained", 700), ("resurrected", 60), ("churned", 150))
    activities = (
        ("Peer comments", 0.12),
        ("Team challenge", 0.08),
        ("Daily quiz", 0.01),
        ("Video library with a title that goes on and on", -0.06),
    )
    steps = (("Opened", 1.0), ("Lesson one", 0.8), ("Quiz", 0.45), ("Finished", 0.4))
    return {
        "retention_heatmap": [
            {"cohort": MONDAYS[c], "week": w, "share": 0.9**w if w else 1.0, "n": 200 - 5 * c}
            for c in range(8)
            for w in range(8 - c)
        ],
        "weekly_states": [
            {"week": week, "state": state, "n": n + 7 * index}
            for index, week in enumerate(MONDAYS)
            for state, n in weekly
        ],
        "stickiness": [
            {"week": week, "share": 0.5 + 0.02 * index} for index, week in enumerate(MONDAYS)
        ],
        "activity_return": [
            {
                "activity": activity,
                "reach": 0.4,
                "repeat_rate": 0.5,
                "difference": difference,
                "low": difference - 0.04,
                "high": difference + 0.04,
                "n": 900,
            }
            for activity, difference in activities
        ],
        "survival": [
            {
                "week": week,
                "survival": 0.9**week,
                "low": 0.9**week - 0.02 * (week > 0),
                "high": min(1.0, 0.9**week + 0.02 * (week > 0)),
                "at_risk": int(1000 * 0.9**week),
            }
            for week in range(9)
        ],
        "funnel": [
            {"course": course, "step": step, "label": label, "n": int(800 * share), "share": share}
            for course in ("Onboarding", "Sales basics")
            for step, (label, share) in enumerate(steps, 1)
        ],
        "incentive_returns": [
            {
                "incentive": incentive,
                "within_days": days,
                "share": share + bonus,
                "low": share + bonus - 0.05,
                "high": share + bonus + 0.05,
                "n": 300,
            }
            for incentive, share in (("Badge", 0.6), ("Gift card", 0.4))
            for days, bonus in ((7, 0.0), (28, 0.2))
        ],
        "claim_decay": [
            {
                "repeat": repeat,
                "share": 0.7 - 0.05 * repeat,
                "low": 0.65 - 0.05 * repeat,
                "high": 0.75 - 0.05 * repeat,
                "n": 500 // repeat,
            }
            for repeat in range(1, 7)
        ],
        "quintile_outcomes": [
            {
                "quintile": fifth,
                "mean": 0.1 * fifth - 0.3,
                "low": 0.1 * fifth - 0.35,
                "high": 0.1 * fifth - 0.25,
                "n": 300,
            }
            for fifth in range(1, 6)
        ],
    }


QUESTIONS = (
    (
        "returning",
        "Are learners returning consistently?",
        ("retention_heatmap", "weekly_states", "stickiness"),
    ),
    ("sustaining", "Which activities sustain participation?", ("activity_return",)),
    ("drop_off", "Where do drop-offs occur?", ("survival", "funnel")),
    ("incentives", "Which incentives drive engagement?", ("incentive_returns", "claim_decay")),
    ("outperforming", "Are engaged learners outperforming their peers?", ("quintile_outcomes",)),
)


def chart(name, title="What it shows", **changes):
    """One chart's data."""
    rows = tuple(charts()[name])
    values = {"chart": name, "title": title, "rows": rows, "alternative": f"{name} in words."}
    return ChartData(**{**values, **changes})


def answers():
    """The five answers."""
    return tuple(
        Answer(
            question=key,
            title=title,
            sentence="71 % of last month's learners came back this week, 3 points more than the "
            "week before.",
            charts=tuple(chart(name, name.replace("_", " ").capitalize()) for name in names),
            table=TableData(("week", "learners", "share"), (("6 Jan 2025", 1200, 0.71),)),
            how="Days with at least one event, by learner, over the last eight weeks.",
            caution="" if key == "returning" else "This is association, not effect.",
        )
        for key, title, names in QUESTIONS
    )


def questions_view(**changes):
    """The five questions with a score that beats its baselines."""
    values = {
        "navigation": navigation("questions"),
        "answers": answers(),
        "as_of": START + timedelta(days=56),
        "score_version": "v1",
        "trust": views.ScoreTrust(
            "The score foresees who returns better than active days or logins alone.",
            2400,
            (
                views.PredictorInfo("Energize Score", 0.81, 0.79, 0.83),
                views.PredictorInfo("active days alone", 0.77, 0.75, 0.79),
            ),
        ),
    }
    return views.QuestionsView(**{**values, **changes})


def past_experiments(n=8):
    """Experiments that moved the score, and sales by a fifth of that."""
    moved = (2.0, -1.0, 3.0, 0.5, 4.0, -2.0, 1.0, 2.5)[:n]
    return tuple(
        PastExperiment(
            f"past-{number}",
            ("incentive", "messaging")[number % 2],
            {
                "energize_score": {"new": (by, 0.4)},
                "sales": {"new": (0.2 * by + 0.02 * (number % 3 - 1), 0.05)},
            },
        )
        for number, by in enumerate(moved)
    )


def across_view(past=None):
    """What experiments that are over say together."""
    found = past_experiments() if past is None else past
    score = Measure("energize_score", "Energize Score", "points")
    kpis = (Measure("sales", "Sales", "sales"), Measure("calls", "Call quality"))
    return views.AcrossView(navigation("across"), summarise(found, score, kpis))


def flags_view(may_switch=True, **changes):
    """Two flags: on with rules, off without."""
    rules = (
        views.RuleInfo(True, "Sales first", {"role": "sales"}, 0.5),
        views.RuleInfo(False),
    )
    flags = (
        views.FlagRow(
            "new-course-page",
            "New course page",
            "boolean",
            False,
            True,
            3,
            "The redesigned page with the progress bar.",
            rules,
        ),
        views.FlagRow("quiz-length", "Quiz length", "number", 5, False, 1),
    )
    values = {"navigation": navigation("flags"), "flags": flags, "may_switch": may_switch}
    return views.FlagsView(**{**values, **changes})


def report():
    """A weekly report."""
    return ReportBody(
        title="Week of 3 March 2025",
        rhythm="weekly",
        environment="production",
        period_start=(START + timedelta(days=56)).isoformat(),
        period_end=(START + timedelta(days=63)).isoformat(),
        summary="One winner this week, one experiment to roll back; retention held.",
        sections=(
            ReportSection(
                "Streak badges for daily practice",
                (REASONS[Verdict.SHIP],),
                verdict="SHIP",
                path="/experiments/production/streak-badges",
            ),
            ReportSection(
                "Are learners returning?",
                ("71 % came back, 3 points more than the week before.",),
                charts=(chart("stickiness", "Weekly of monthly active"),),
                table=TableData(("week", "share"), (("6 Jan", 0.5), ("13 Jan", 0.52))),
            ),
        ),
    )


def report_view():
    """One stored report."""
    return views.ReportView(navigation("reports"), report())


def reports_view(**changes):
    """Two stored reports."""
    rows = tuple(
        views.ReportRow(
            number,
            f"Week {number}",
            "weekly",
            START + timedelta(days=7 * number),
            START + timedelta(days=7 * number + 7),
            START + timedelta(days=7 * number + 7, minutes=2),
        )
        for number in (9, 8)
    )
    return views.ReportsView(**{"navigation": navigation("reports"), "reports": rows, **changes})


def quarantine_view(n_waiting=412, **changes):
    """Two causes and the newest thing of one."""
    at = START + timedelta(days=3)
    causes = (
        views.QuarantineCause(
            "native", "kind", "'stroll' is unknown", "use custom:stroll", 411, 900, at
        ),
        views.QuarantineCause("xapi", "at", "is missing", "send at", 1, 1, at),
    )
    items = (
        views.QuarantineItem(
            7,
            "native",
            "kind",
            "'stroll' is unknown",
            "use custom:stroll",
            '{"id":"e-1","kind":"stroll","learner":"ada"}',
            True,
            3,
            at,
        ),
        views.QuarantineItem(6, "xapi", "at", "is missing", "send at", "{", False, 1, at),
    )
    values = {
        "navigation": navigation("quarantine", n_quarantined=n_waiting),
        "n_waiting": n_waiting,
        "causes": causes if n_waiting else (),
        "items": items if n_waiting else (),
    }
    return views.QuarantineView(**{**values, **changes})


def sources_view(**changes):
    at = datetime(2026, 5, 18, 6, 30, tzinfo=UTC)
    findings = (
        SourceFinding("error", "events[0].table", "There is no table 'deals'.", "Grant SELECT."),
        SourceFinding("warning", "events[1].occurred_at", "Times carry no zone.", "Name it."),
        SourceFinding("note", "exposures", "It has 4,812 rows of 4,790 learners."),
    )
    tables = ("exposures from analytics.assignments", "events[0] from a query")
    rows = (
        SourceRow("analytics", "Warehouse", "MOMENTUM_SOURCE_A", tables, 3, at, 2, findings),
        SourceRow("crm", "Sales", "MOMENTUM_SOURCE_CRM", tables[1:], 1),
    )
    values = {"navigation": navigation("sources"), "sources": rows, "may_validate": True}
    return views.SourcesView(**{**values, **changes})


def all_views():
    """Each page in each of its shapes, by name."""
    nobody = views.Navigation()
    return {
        "sign-in": views.SignInView(nobody),
        "sign-in-error": views.SignInView(nobody, "mira@example.com", "That does not fit.", "/"),
        "error": views.ErrorView(nobody, 404, "Not found", "There is nothing here.", "ab12"),
        "experiments": experiments_view(),
        "experiments-empty": experiments_view(experiments=()),
        "readout-ship": readout_view(),
        "readout-three": readout_view(three_variant_readout(), design=three_variant_design()),
        "readout-co-primary": readout_view(co_primary_readout()),
        "readout-broken": readout_view(broken_readout()),
        "readout-empty": readout_view(empty_readout()),
        "readout-draft": draft_view(),
        "readout-none": views.ReadoutView(navigation=navigation(), design=design(), may_stop=True),
        "across": across_view(),
        "across-empty": across_view(()),
        "questions": questions_view(),
        "questions-empty": questions_view(answers=(), trust=None),
        "flags": flags_view(),
        "flags-locked": flags_view(may_switch=False),
        "flags-empty": flags_view(flags=()),
        "reports": reports_view(),
        "reports-empty": reports_view(reports=()),
        "report": report_view(),
        "sources": sources_view(),
        "sources-empty": sources_view(sources=()),
        "quarantine": quarantine_view(),
        "quarantine-empty": quarantine_view(n_waiting=0),
    }

"""Views of metrics and scores, made in one call."""

from datetime import UTC, datetime

from analysis.previewed import Bin, Detection, InTeams, Limits, Preview
from dashboards import metric_words
from dashboards.metric_views import (
    CalibrationInfo,
    ForeseeInfo,
    PreviewView,
    ValidationInfo,
)

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SMALL = Detection("relative", 0.04, 0.02, 38_000, 410.0, 380.0, None)
OWN = Detection("minimum", 0.5, 0.25, 260, 45.4, 40.0, 52.0)


def preview(**changes) -> Preview:
    """A count of challenges: whole numbers, a cap, teams."""
    values = {
        "as_of": "2026-03-30T09:00:00+00:00",
        "exposed_at": "2026-03-02T09:00:00+00:00",
        "window_days": 28,
        "lake_version": {"events": 4},
        "n_learners": 400,
        "mean": 2.0,
        "sd": 1.5,
        "variance": 2.25,
        "share_of_zeros": 0.2,
        "yes_or_no": False,
        "correlation": 0.6,
        "variance_reduction": 0.36,
        "quantiles": {"0.05": 0.0, "0.5": 2.0, "0.95": 5.0},
        "bins": (Bin(0, 1, 80), Bin(1, 2, 100), Bin(2, 3, 200), Bin(3, None, 20)),
        "n_shown": 400,
        "limits": Limits(None, 6.0, 0.0, 0.031, 2.2, 2.4),
        "teams": InTeams(40, 10.0, 0.06, 1.6),
        "detections": (SMALL, OWN),
    }
    return Preview(**{**values, **changes})


def preview_view(**changes) -> PreviewView:
    """The preview under its metric's name."""
    return PreviewView("Challenges", "challenges", preview(**changes))


def validation(**changes) -> ValidationInfo:
    """A score that beats what is simpler."""
    values = {
        "sentence": "That beats active days alone (79%).",
        "beats": True,
        "n_learners": 300,
        "base_rate": 0.7,
        "brier_base": 0.21,
        "scored_from": "2026-01-05T00:00:00+00:00",
        "scored_to": "2026-02-02T00:00:00+00:00",
        "predictors": (
            ForeseeInfo("Energize Score", 0.84, 0.8, 0.88, 0.151),
            ForeseeInfo("active days alone", 0.79, 0.75, 0.83, 0.162),
        ),
        "calibration": (CalibrationInfo(0.2, 0.31, 30), CalibrationInfo(0.9, 0.88, 30)),
    }
    return ValidationInfo(**{**values, **changes})


def charts():
    """The charts of these pages, each with its rows."""
    shown = preview_view()
    return {
        "distribution": metric_words.distribution_chart(shown, shown.found),
        "calibration": metric_words.calibration_chart(validation()),
    }

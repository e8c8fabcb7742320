"""SCHEDULED REPORTS: each has a rhythm and builds its body."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from dashboards.report import ReportBody
from experiment_server.environments.models import Environment
from experiment_server.reports import weekly
from experiment_server.schedule.grid import latest_weekly
from experiment_server.state import State


@dataclass(frozen=True)
class Report:
    """One kind of scheduled report."""

    rhythm: str
    title: str
    period: timedelta
    latest_slot: Callable[[datetime], datetime]
    build: Callable[[State, Environment, datetime], ReportBody]


REPORTS: Final[dict[str, Report]] = {
    weekly.RHYTHM: Report(
        rhythm=weekly.RHYTHM,
        title="The winners' report, on Mondays at 06:00 UTC",
        period=weekly.PERIOD,
        latest_slot=lambda now: latest_weekly(now, hour=6),
        build=weekly.build,
    ),
}
"""Rhythm to report."""

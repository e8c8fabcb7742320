"""What people see: a view in, HTML out. Knows the analysis' results; no Flask, no ORM, no query."""

from dashboards.rendering import STATIC_DIR, render
from dashboards.report import ReportBody, ReportSection, render_text

__all__ = ["STATIC_DIR", "ReportBody", "ReportSection", "render", "render_text"]

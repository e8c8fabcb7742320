"""A stored report: JSON both ways, and as plain text."""

import json

import pytest

from dashboards import ReportBody, render_text
from tests.dashboards import factories


def test_report__to_json_and_back__is_the_same():
    report = factories.report()

    assert ReportBody.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_report__another_format__is_refused():
    with pytest.raises(ValueError, match="found 99, expected 1"):
        ReportBody.from_json({**factories.report().to_json(), "format": 99})


def test_report_text__for_a_channel__names_verdict_reason_and_address():
    text = render_text(factories.report(), "https://momentum.example.com/")

    assert "SHIP: Streak badges for daily practice" in text
    assert "https://momentum.example.com/experiments/production/streak-badges" in text
    assert max(len(line) for line in text.splitlines()) <= 90


def test_report_text__without_an_address__names_none():
    assert "http" not in render_text(factories.report())

"""Tests of what a machine lacks are seen in CI: they fail there, and are skipped elsewhere."""

import pytest

from tests.needs import do_without


@pytest.mark.parametrize("ci", ["true", "1"])
def test_do_without__in_ci__fails_the_test(monkeypatch, ci):
    monkeypatch.setenv("CI", ci)

    with pytest.raises(pytest.fail.Exception, match="no Java here"):
        do_without("no Java here")


@pytest.mark.parametrize("ci", ["", "false"])
def test_do_without__elsewhere__skips_it(monkeypatch, ci):
    monkeypatch.setenv("CI", ci)

    with pytest.raises(pytest.skip.Exception, match="no Java here"):
        do_without("no Java here")

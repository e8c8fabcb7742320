"""A short form of ``python -m benchmarks dunnett``."""

import pytest

from benchmarks.dunnett import PAGE, SHAPES, false_calls

N = 1500


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.title)
def test_dunnett__no_effect__any_is_found_as_often_as_promised(shape):
    dunnett, bonferroni = false_calls(shape, N)

    error = (0.05 * 0.95 / N) ** 0.5
    assert abs(dunnett - 0.05) < 4 * error + 0.002  # Welch's approximation at these sizes
    assert bonferroni <= dunnett


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.title)
def test_dunnett_page__every_shape__has_its_row(shape):
    assert f"| {shape.title} |" in PAGE.read_text(), "run python -m benchmarks dunnett"

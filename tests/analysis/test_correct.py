import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from analysis.correct import CORRECTIONS, bonferroni, holm

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@pytest.mark.parametrize("name", list(CORRECTIONS))
@given(p_values=P_VALUES)
def test_correction__any_p_values__agrees_with_statsmodels(name, p_values):
    expected = multipletests(p_values, method=name)[1]

    assert CORRECTIONS[name](p_values) == pytest.approx(tuple(expected))


@given(P_VALUES)
def test_holm__any_p_values__is_never_above_bonferroni(p_values):
    assert all(h <= b for h, b in zip(holm(p_values), bonferroni(p_values), strict=True))


def test_holm__nothing_to_correct__is_empty():
    assert holm([]) == ()

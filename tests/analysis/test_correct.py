import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from analysis.correct import CORRECTIONS, benjamini_hochberg, bonferroni, fcr_share, holm

NAMES = {"benjamini_hochberg": "fdr_bh"}  # as statsmodels calls them
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@pytest.mark.parametrize("name", list(CORRECTIONS))
@given(p_values=P_VALUES)
def test_correction__any_p_values__agrees_with_statsmodels(name, p_values):
    expected = multipletests(p_values, method=NAMES.get(name, name))[1]

    assert CORRECTIONS[name](p_values) == pytest.approx(tuple(expected))


@given(P_VALUES)
def test_holm__any_p_values__is_never_above_bonferroni(p_values):
    assert all(h <= b for h, b in zip(holm(p_values), bonferroni(p_values), strict=True))


def test_holm__nothing_to_correct__is_empty():
    assert holm([]) == ()


@given(P_VALUES, st.floats(0.01, 0.3))
def test_fcr_share__any_p_values__level_of_the_intervals_finds_what_the_test_finds(p_values, alpha):
    found = [p <= alpha for p in benjamini_hochberg(p_values)]
    level = alpha * fcr_share(sum(found), len(p_values))

    assert sum(p <= level * (1 + 1e-9) for p in p_values) == sum(found)

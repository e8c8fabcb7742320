import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from analysis.methods.always_valid import two_sided_z
from analysis.plan import PreviousLook
from analysis.sequential import level_of_look, level_of_one_look
from tests.analysis.collecting import plan


def walk(information, looks_planned, final=True):
    """The levels of several looks, each told of those before."""
    levels, before = [], ()
    for look, share in enumerate(information, start=1):
        asked = plan(
            look=look,
            looks_planned=looks_planned,
            final=final and look == len(information),
            previous_looks=before,
        )
        levels.append(level_of_look(asked, share, 1))
        before += (PreviousLook(look, share, levels[-1].alpha_spent),)
    return levels


def test_level__looks_on_schedule__have_the_published_boundaries():
    levels = walk([0.2, 0.4, 0.6, 0.8, 1.0], 5)

    found = [level.boundary_z for level in levels]
    assert found == pytest.approx([4.877, 3.357, 2.680, 2.290, 2.031], abs=6e-4)
    assert levels[-1].alpha_spent == 0.05


def test_level__more_information_than_planned__leaves_alpha_to_the_next_looks():
    levels = walk([0.9, 1.5, 2.0, 2.4], 4)

    assert levels[0].boundary_z == pytest.approx(4.333, abs=5e-3)
    assert [level.alpha_spent < 0.05 for level in levels] == [True, True, True, False]
    assert all(level.boundary_z < 4.4 for level in levels)


def test_level__less_information_than_planned__spends_the_rest_at_the_final_look():
    levels = walk([0.1, 0.2, 0.3], 3)

    assert levels[-1].alpha_spent == 0.05
    assert levels[-1].boundary_z == pytest.approx(norm.isf(0.025), abs=0.005)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.01, 3), min_size=1, max_size=8), st.integers(1, 4))
def test_level__any_information__never_spends_more_than_alpha(information, extra):
    levels = walk(information, len(information) + extra - 1)

    spent = [level.alpha_spent for level in levels]
    assert spent == sorted(spent)
    assert spent[-1] <= 0.05 + 1e-12
    assert all(level.boundary_z >= norm.isf(0.025) - 1e-6 for level in levels)


def test_level__unplanned_look__has_the_always_valid_bound_and_spends_nothing():
    before = (PreviousLook(1, 0.3, 0.0001),)

    level = level_of_look(plan(look=0, looks_planned=5, previous_looks=before), 0.5, 1)

    assert level.ad_hoc
    assert level.alpha_spent == 0.0001
    assert level.boundary_z == two_sided_z(0.5, 0.05)


def test_level__one_look__is_the_plain_test():
    assert level_of_one_look(0.05).boundary_z == pytest.approx(norm.isf(0.025))
    assert walk([0.7], 1)[0].boundary_z == pytest.approx(norm.isf(0.025))

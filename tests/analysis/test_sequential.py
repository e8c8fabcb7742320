import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from analysis.contrast import Contrast, critical_t
from analysis.methods.always_valid import one_sided_z, two_sided_z
from analysis.methods.group_sequential import boundaries, crossing
from analysis.methods.stagewise import adjusted
from analysis.plan import PreviousLook
from analysis.sequential import (
    at_stop,
    final_boundary,
    information,
    level_of_look,
    level_of_one_look,
    passes,
)
from analysis.spending import spent_by
from tests.analysis.collecting import plan


def contrast(effect, se, df=1e9):
    return Contrast("welch", 9, 9, 9, 9, effect, 0.0, se**2 / 2, se**2 / 2, 0.0, df)


def walk(information, looks_planned, final=True, **changes):
    """The levels of several looks, each told of those before."""
    levels, before = [], ()
    for look, share in enumerate(information, start=1):
        asked = plan(
            look=look,
            looks_planned=looks_planned,
            final=final and look == len(information),
            previous_looks=before,
            **changes,
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


@pytest.mark.parametrize("spending", ["obrien_fleming", "pocock", "kim_demets:2"])
@pytest.mark.parametrize(("sides", "count"), [("two", 2), ("one", 1)])
def test_level__spending_of_the_plan__sets_the_boundaries(spending, sides, count):
    times = [0.25, 0.5, 0.75, 1.0]

    levels = walk(times, 4, spending=spending, sides=sides)

    spent = [spent_by(spending, 0.05, t, count) for t in times]
    assert [level.alpha_spent for level in levels] == pytest.approx(spent)
    assert [level.boundary_z for level in levels] == pytest.approx(boundaries(times, spent, count))
    assert levels[-1].looks == tuple(
        zip(times, (level.boundary_z for level in levels), strict=True)
    )


def test_level__one_sided_unplanned_look__has_the_one_sided_bound():
    level = level_of_look(plan(look=0, looks_planned=5, sides="one"), 0.5, 1)

    assert level.boundary_z == level.harm_z == one_sided_z(0.5, 0.05)


def test_at_stop__many_learners__is_the_stage_wise_analysis_in_the_metrics_unit():
    level = walk([0.25, 0.5, 0.75], 5, spending="pocock")[-1]
    found = at_stop(level, contrast(3.0, 1.1))

    information = [t / 0.75 / 1.1**2 for t in (0.25, 0.5, 0.75)]
    expected = adjusted([0, 0, 3 / 1.1], information, [z for _, z in level.looks])
    assert (found.estimate, found.low, found.high, found.p_value) == pytest.approx(
        (expected.estimate, expected.low, expected.high, expected.p_value), rel=1e-6
    )
    assert found.look == 3


def test_at_stop__one_look_and_few_teams__is_the_t_test():
    level = walk([0.7], 1)[0]
    few = contrast(2.0, 0.9, df=6)

    found = at_stop(level, few)

    reach = critical_t(norm.isf(0.025), 6) * 0.9
    assert found.estimate == pytest.approx(2.0, abs=1e-9)
    assert (found.low, found.high) == pytest.approx((2 - reach, 2 + reach), abs=1e-7)
    assert found.p_value == pytest.approx(few.p_value, rel=1e-6)


def test_at_stop__unplanned_look__has_no_answer():
    level = level_of_look(plan(look=0, looks_planned=5), 0.5, 1)

    assert at_stop(level, contrast(1.0, 1.0)) is None


@pytest.mark.parametrize("spending", ["obrien_fleming", "pocock"])
def test_final_boundary__looks_on_schedule__is_what_the_last_look_gets(spending):
    times = [0.2, 0.4, 0.6, 0.8, 1.0]
    levels = walk(times, 5, spending=spending)
    before = tuple(
        PreviousLook(k + 1, times[k], level.alpha_spent) for k, level in enumerate(levels[:1])
    )
    asked = plan(look=2, looks_planned=5, previous_looks=before, spending=spending)

    found = final_boundary(asked, levels[1], 1)

    assert found == pytest.approx(levels[-1].boundary_z, abs=1e-9)


def test_final_boundary__another_share_of_alpha__is_what_the_last_look_gets_at_that_share():
    times = [0.25, 0.5, 0.75, 1.0]
    looks = {"looks_planned": 4, "variants": "abc", "final": False}
    of_all = level_of_look(plan(look=1, **looks), times[0], 2)
    before = (PreviousLook(1, times[0], of_all.alpha_spent),)
    asked = plan(look=2, previous_looks=before, **looks)

    found = final_boundary(asked, level_of_look(asked, times[1], 1), 1)

    assert asked.n_tests == 2
    assert found == pytest.approx(walk(times, 4)[-1].boundary_z, abs=1e-9)


def test_final_boundary__last_or_unplanned_look__is_its_own():
    last = walk([0.5, 1.0], 2)[-1]

    assert final_boundary(plan(look=2, looks_planned=2, final=True), last, 1) == last.boundary_z
    ad_hoc = level_of_look(plan(look=0, looks_planned=5), 0.5, 1)
    assert final_boundary(plan(look=0, looks_planned=5), ad_hoc, 1) == ad_hoc.boundary_z


def test_at_stop__a_look_before_that_was_run_past__is_left_out():
    first = walk([0.4], 2, final=False, spending="pocock")[0]
    ran_on = (PreviousLook(1, 0.4, first.alpha_spent, crossed=True),)
    asked = plan(look=2, looks_planned=2, final=True, previous_looks=ran_on, spending="pocock")

    level = level_of_look(asked, 1.0, 1)

    assert level.looks == ((1.0, level.boundary_z),)
    assert level.boundary_z == walk([0.4, 1.0], 2, spending="pocock")[1].boundary_z
    assert at_stop(level, contrast(2.5, 1.0)).estimate == pytest.approx(2.5, abs=1e-8)


def test_final_boundary__a_look_before_that_was_run_past__still_counts_what_it_spent():
    looks = walk([0.3, 0.6, 1.0], 3, spending="pocock")
    before = (PreviousLook(1, 0.3, looks[0].alpha_spent, crossed=True),)
    asked = plan(look=2, looks_planned=3, final=False, previous_looks=before, spending="pocock")

    level = level_of_look(asked, 0.6, 1)

    assert final_boundary(asked, level, 1) == pytest.approx(looks[2].boundary_z, abs=1e-9)


@pytest.mark.parametrize("sides", ["one", "two"])
def test_at_stop__less_is_better__is_the_mirror_image(sides):
    level = walk([0.25, 0.5, 0.75], 5, spending="pocock", sides=sides)[-1]

    more = at_stop(level, contrast(3.0, 1.1, df=12), sides=sides)
    less = at_stop(level, contrast(-3.0, 1.1, df=12), sides=sides, sign=-1)

    assert less.estimate == pytest.approx(-more.estimate, abs=1e-9)
    assert (less.low, less.high) == pytest.approx((-more.high, -more.low), abs=1e-9)
    assert less.p_value == pytest.approx(more.p_value, rel=1e-9)
    assert more.low < more.estimate < 3.0


@pytest.mark.parametrize("spending", ["obrien_fleming", "hwang_shih_decani:-4", "pocock"])
@pytest.mark.parametrize("sides", ["two", "one"])
@pytest.mark.parametrize("n_asked", [1, 4])
def test_level__another_share_of_alpha_than_the_primary__spends_that_share(
    spending, sides, n_asked
):
    times, before, bars = (0.25, 0.5, 0.75, 1.0), (), []
    for look, share in enumerate(times, start=1):
        asked = plan(
            variants=("control", "a", "b", "c"),
            look=look,
            looks_planned=4,
            final=look == 4,
            previous_looks=before,
            spending=spending,
            sides=sides,
        )
        bars.append(level_of_look(asked, share, n_asked).boundary_z)
        recorded = level_of_look(asked, share, 3).alpha_spent
        before += (PreviousLook(look, share, recorded),)

    ever = crossing(times, bars, sides=2 if sides == "two" else 1).ever
    assert ever == pytest.approx(0.05 / n_asked, rel=1e-6)


@pytest.mark.parametrize(("sides", "expected"), [("two", True), ("one", False)])
def test_passes__far_on_the_bad_side__stops_only_a_two_sided_plan(sides, expected):
    assert passes(plan(sides=sides), -4.0, 2.0) is expected
    assert passes(plan(sides=sides), 4.0, 2.0)


@pytest.mark.parametrize(("planned", "se"), [(1e-160, 1e140), (1e140, 1e-160), (0.0, 1.0)])
def test_information__squares_beyond_a_double__still_give_a_level(planned, se):
    level = level_of_look(plan(final=False, looks_planned=4), information(planned, se), 2)

    assert 0 < level.boundary_z <= 8
    assert 0 < level.harm_z <= 8

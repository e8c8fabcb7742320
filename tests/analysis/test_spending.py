import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.spending import SPENDING, parse, spent_by
from tests.oracles import rscript

NAMES = [row.name for row in SPENDING]
SHAPED = [*NAMES, "kim_demets:1", "kim_demets:2", "hwang_shih_decani:0", "hwang_shih_decani:4"]


def test_spending__every_row__spends_what_rpact_does():
    for row in rscript.values("group_sequential")["designs"]:
        name = f"{row['spending']}:{row['shape']}" if "shape" in row else row["spending"]

        found = [spent_by(name, row["alpha"], time, row["sides"]) for time in row["times"]]

        # rpact's last value is a step of its own search, 1e-8 short of alpha.
        assert found == pytest.approx(row["spent"], abs=2e-8)


@pytest.mark.parametrize("name", SHAPED)
@pytest.mark.parametrize("sides", [1, 2])
@given(st.floats(0.001, 0.2), st.lists(st.floats(0, 1.2), min_size=2, max_size=9))
def test_spending__any_looks__rises_from_nothing_to_alpha(name, sides, alpha, fractions):
    spent = [spent_by(name, alpha, t, sides) for t in sorted([0.0, *fractions, 1.0])]

    assert spent[0] == 0
    assert spent == sorted(spent)
    assert spent[-1] == alpha


def test_spending__rows__go_from_waiting_to_hasty():
    half = [spent_by(name, 0.05, 0.5) for name in ("obrien_fleming", "kim_demets", "pocock")]

    assert half == sorted(half)
    assert half[0] < 0.01 < 0.025 < half[2]


@pytest.mark.parametrize("written", ["kim_demets:x", "kim_demets:0", "kim_demets:nan"])
def test_parse__shape_that_makes_no_sense__says_which_would(written):
    with pytest.raises(ValueError, match="write for example kim_demets:3"):
        parse(written)


def test_parse__unknown_function__lists_those_there_are():
    with pytest.raises(ValueError, match="found 'haste'; use one of obrien_fleming, pocock"):
        parse("haste")


def test_parse__shape_where_there_is_none__says_so():
    with pytest.raises(ValueError, match="pocock has no shape"):
        parse("pocock:2")


def test_parse__no_shape__takes_the_rows_own():
    assert parse("kim_demets")[1] == 3.0
    assert parse("kim_demets:1.5")[1] == 1.5

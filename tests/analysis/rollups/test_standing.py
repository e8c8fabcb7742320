"""Who is in an experiment at any look, from what was worked out once."""

from dataclasses import replace

import numpy as np
import pytest

from analysis import rollups
from analysis.exposed import PEOPLE, exposed_of, exposures_of
from analysis.lake.reader import Lake
from analysis.rollups.collect import RolledUp
from tests.analysis.lakes import day, exposure, write_lake
from tests.analysis.test_collect import SALES, plan_of


def tangled(rng, unit_kind):
    """Exposures of a few learners to several variants, in several units, many at one time."""
    rows = []
    for number in rng.permutation(60):
        learner = f"learner-{rng.integers(14)}"
        unit = f"team-{rng.integers(9)}" if unit_kind == "team" else None
        variant = ("control", "double", "retired")[rng.choice(3, p=(0.6, 0.3, 0.1))]
        at = day(int(rng.integers(5, 25)))
        rows.append({**exposure(learner, variant, at, unit=unit), "event_id": f"e{number}"})
    return rows


def rows_of(people):
    return sorted(tuple(row.values()) for row in people.select(*PEOPLE).to_pyarrow().to_pylist())


@pytest.mark.parametrize("unit_kind", ["learner", "team"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_exposed_at__any_look__is_what_its_exposures_say(tmp_path, seed, unit_kind):
    rng = np.random.default_rng(seed)
    plan = plan_of(unit_kind, metrics=SALES)
    for part in np.array_split(tangled(rng, unit_kind), 2):
        write_lake(tmp_path, exposures=list(part))
        rollup = rollups.refresh(plan, Lake.open(tmp_path)).rollup
    lake = Lake.open(tmp_path)
    crossed = []

    for at in (day(5), day(13), day(13.5), day(18), day(30)):
        look = replace(plan, as_of=at)
        expected = exposed_of(look, exposures_of(look, lake))
        found = RolledUp(look, lake, rollup).exposed()
        assert found.units == expected.units
        assert rows_of(found.people) == rows_of(expected.people)
        crossed.append(found.units.n_crossed)

    assert 0 == crossed[0] < crossed[1] < crossed[-1]

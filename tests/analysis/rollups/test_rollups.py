"""Roll-ups that grow with the lake, against roll-ups made anew and against the lake itself."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from deltalake import DeltaTable

from analysis import rollups
from analysis.collect import collect
from analysis.lake.compact import compact_all, vacuum
from analysis.lake.erase import erase_learner
from analysis.lake.reader import Lake
from analysis.plan import MetricPlan
from analysis.read import run_readout
from analysis.rollups.shelf import Shelf, list_folders
from tests.analysis.lakes import day, event, exposure, write_lake
from tests.analysis.rollups.streams import (
    REVENUE,
    Stream,
    exactly,
    learner_plan,
    outcome,
    plan_with,
    rows_of,
)
from tests.analysis.test_collect import NORMS, SALES, plan_of

SMALL = plan_of(metrics=SALES)


def refreshed(plan, root):
    return rollups.refresh(plan, Lake.open(root))


def assert_as_history(plan, root):
    """What readouts see of the lake now is what history says, to the bit."""
    lake = Lake.open(root)
    assert exactly(rollups.collect(plan, lake, NORMS)) == exactly(collect(plan, lake, NORMS))


def small_lake(root, **more):
    met = [exposure(f"learner-{n}", ("control", "double")[n % 2], day(6)) for n in range(6)]
    sales = [event(f"learner-{n}", "sale", day(7), 10.0 * n) for n in range(6)]
    return write_lake(root, exposures=met, events=sales, **more)


# --- the same numbers as history, to the bit


@pytest.mark.parametrize(
    ("seed", "plan"),
    [(1, learner_plan(as_of=day(40.4))), (2, plan_with(unit_kind="team", as_of=day(33)))],
    ids=["learners", "teams"],
)
def test_refresh__random_batches__equals_a_rebuild_and_history_to_the_bit(tmp_path, seed, plan):
    stream = Stream(seed, plan.unit_kind)
    hows = []
    for step in range(4):
        write_lake(tmp_path, **stream.batch())
        if step == 2:
            compact_all(tmp_path, min_files=2)
        grown = refreshed(plan, tmp_path)
        hows.append(grown.how)

    assert hows == ["rebuilt", *["updated"] * 3]
    assert rows_of(grown.rollup) == rows_of(rollups.rebuild(plan, Lake.open(tmp_path)).rollup)
    assert_as_history(plan, tmp_path)


@pytest.mark.parametrize("as_of", [day(12), day(29.3)])
def test_collect__an_earlier_look__sees_nothing_of_later(tmp_path, as_of):
    stream = Stream(5)
    write_lake(tmp_path, **stream.batch())
    refreshed(learner_plan(), tmp_path)
    write_lake(tmp_path, **stream.batch())

    assert_as_history(learner_plan(as_of=as_of), tmp_path)


def test_readout__from_a_rollup__is_the_same_document(tmp_path):
    stream = Stream(6)
    write_lake(tmp_path, **stream.batch())
    refreshed(plan_with(), tmp_path)
    lake = write_lake(tmp_path, **stream.batch())
    plan = plan_with(lake_version=dict(lake.version))

    rolled = run_readout(plan, lake, NORMS, rollups.collect)

    assert rolled.to_json() == run_readout(plan, lake, NORMS).to_json()


def test_refresh__an_exposure_turns_out_earlier__its_learner_is_read_again(tmp_path):
    small_lake(tmp_path)
    refreshed(SMALL, tmp_path)
    write_lake(tmp_path, exposures=[exposure("learner-1", "double", day(5))])

    grown = refreshed(SMALL, tmp_path)

    rows = {row["learner"]: row for row in grown.rollup.rows["events"].to_pylist()}
    assert rows["learner-1"]["exposed_us"] < rows["learner-3"]["exposed_us"]
    assert_as_history(SMALL, tmp_path)


def test_refresh__a_unit_meets_another_variant__it_no_longer_counts(tmp_path):
    small_lake(tmp_path)
    refreshed(SMALL, tmp_path)
    lake = write_lake(tmp_path, exposures=[exposure("learner-1", "control", day(8))])

    found = rollups.collect(SMALL, lake)

    assert found.n_crossed == 1
    assert found.n_exposed == {"control": 3, "double": 2}
    assert exactly(found) == exactly(collect(SMALL, lake))


def test_refresh__an_outcome_is_corrected__the_correction_counts(tmp_path):
    plan = plan_of(metrics=(replace(REVENUE, role="primary"),))
    small_lake(tmp_path, outcomes=[outcome("learner-1", 8, 100.0, day(9))])
    refreshed(plan, tmp_path)
    lake = write_lake(tmp_path, outcomes=[outcome("learner-1", 8, 40.0, day(10))])

    found = rollups.collect(plan, lake)

    sales = 10.0 + 30.0 + 50.0
    assert found.metrics["revenue"]["double"].mean_of("outcome") == pytest.approx((sales + 40) / 3)
    assert exactly(found) == exactly(collect(plan, lake))


def test_collect__rows_that_came_late__are_the_latest_received(tmp_path):
    small_lake(tmp_path)
    refreshed(SMALL, tmp_path)
    late = [event("learner-1", "sale", day(n), 1.0, received_at=day(60 + n)) for n in (39, 40, 41)]
    lake = write_lake(tmp_path, events=late)

    at_midnight = rollups.collect(plan_of(metrics=SALES, as_of=day(40)), lake)
    at_noon = rollups.collect(plan_of(metrics=SALES, as_of=day(40.5)), lake)

    assert at_midnight.latest_received_at == day(99)
    assert at_noon.latest_received_at == day(100)


def test_collect__an_empty_lake__counts_nobody(tmp_path):
    assert_as_history(SMALL, tmp_path)
    small_lake(tmp_path)

    assert refreshed(SMALL, tmp_path).how == "updated"
    assert_as_history(SMALL, tmp_path)


# --- what is read, and what is not


def test_refresh__nothing_new__reads_no_file(tmp_path):
    small_lake(tmp_path)
    refreshed(SMALL, tmp_path)

    again = refreshed(SMALL, tmp_path)

    assert (again.how, again.n_files) == ("as it was", 0)


def test_refresh__only_new_files__are_read(tmp_path, monkeypatch):
    small_lake(tmp_path)
    refreshed(SMALL, tmp_path)
    write_lake(tmp_path, events=[event("learner-1", "sale", day(7.5), 1.0)])
    compact_all(tmp_path, min_files=2)
    opened = []
    of_files = Lake.of_files
    monkeypatch.setattr(
        Lake, "of_files", lambda lake, files: opened.append(dict(files)) or of_files(lake, files)
    )

    grown = refreshed(SMALL, tmp_path)

    whole = set(Lake.open(tmp_path).files["events"])
    read = {path for files in opened for path in files.get("events", ())}
    assert (grown.how, grown.n_files) == ("updated", 1)
    # History is at hand for learners who moved; nobody did.
    assert len(read - whole) == 1
    assert_as_history(SMALL, tmp_path)


def test_refresh__another_look_other_caps_and_norms__is_the_same_rollup(tmp_path):
    small_lake(tmp_path)
    refreshed(SMALL, tmp_path)
    capped = replace(SALES[0], cap=20.0, title="Sold")

    found = refreshed(plan_of(metrics=(capped,), as_of=day(50), look=2), tmp_path)

    assert found.how == "as it was"


@pytest.mark.parametrize(
    "change",
    [
        {"started_at": day(6)},
        {"phase": 2},
        {"metrics": (replace(SALES[0], window_days=8),)},
        {"metrics": (replace(SALES[0], event_kinds=("sale", "custom:sale")),)},
        {"take_up_kinds": ("reward_claimed",)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_refresh__a_plan_that_tallies_otherwise__has_its_own(tmp_path, change):
    small_lake(tmp_path)
    refreshed(SMALL, tmp_path)

    assert refreshed(replace(SMALL, **change), tmp_path).how == "rebuilt"
    assert len(list_folders(tmp_path)) == 2


def test_collect__a_look_at_an_older_version__is_read_from_history(tmp_path):
    older = small_lake(tmp_path)
    write_lake(tmp_path, events=[event("learner-1", "sale", day(8), 1e3)])
    refreshed(SMALL, tmp_path)
    told = []

    found = rollups.collect(SMALL, older, tell=told.append)

    assert told[0].how == "not used"
    assert exactly(found) == exactly(collect(SMALL, older))


# --- when it must be made anew


def reason_after(root, plan=SMALL):
    """Why the roll-up was made anew; and it is right."""
    found = refreshed(plan, root)
    assert found.how == "rebuilt"
    assert_as_history(plan, root)
    return found.reason


def test_refresh__rows_were_removed__is_made_anew(tmp_path):
    small_lake(tmp_path)
    refreshed(SMALL, tmp_path)
    DeltaTable(str(tmp_path / "events")).delete("learner = 'learner-1'")

    assert reason_after(tmp_path) == "rows of events were removed in version 2"


def test_refresh__new_files_were_vacuumed__is_made_anew(tmp_path):
    small_lake(tmp_path)
    refreshed(SMALL, tmp_path)
    write_lake(tmp_path, events=[event("learner-1", "sale", day(7.5), 1.0)])
    compact_all(tmp_path, min_files=2)
    vacuum(tmp_path, "events", keep_days=0)

    assert reason_after(tmp_path).endswith("is there no more")


def test_refresh__the_log_does_not_reach_back__is_made_anew(tmp_path):
    small_lake(tmp_path)
    refreshed(SMALL, tmp_path)
    write_lake(tmp_path, events=[event("learner-1", "sale", day(7.5), 1.0)])
    compact_all(tmp_path, min_files=2)  # which leaves a checkpoint
    for entry in sorted((tmp_path / "events" / "_delta_log").glob("*2.json")):
        entry.unlink()

    assert "does not reach back to version 2" in reason_after(tmp_path)


def test_refresh__the_lake_is_another_one__is_made_anew(tmp_path):
    for name in ("one", "other"):
        small_lake(tmp_path / name)
        refreshed(SMALL, tmp_path / name)
    write_lake(tmp_path / "other", events=[event("learner-1", "sale", day(8), 1.0)])
    for place in (tmp_path / "other" / "_rollups").iterdir():
        place.rename(tmp_path / "gone")
    (tmp_path / "one" / "_rollups").rename(tmp_path / "other" / "_rollups_of_one")
    (tmp_path / "other" / "_rollups").rmdir()
    (tmp_path / "other" / "_rollups_of_one").rename(tmp_path / "other" / "_rollups")

    assert reason_after(tmp_path / "other").endswith("was made again")


def torn(place: Path):
    file = next(place.glob("events-*.parquet"))
    file.write_bytes(file.read_bytes()[:-9])


def changed(place: Path):
    file = next(place.glob("met-*.parquet"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def lost(place: Path):
    next(place.glob("events-*.parquet")).unlink()


def half_a_manifest(place: Path):
    file = place / "manifest.json"
    file.write_text(file.read_text()[:40])


def foreign(place: Path):
    file = place / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "fingerprint": "another"}))


def no_object(place: Path):
    (place / "manifest.json").write_text("[1, 2]")


@pytest.mark.parametrize(
    "damage", [torn, changed, lost, half_a_manifest, foreign, no_object], ids=lambda d: d.__name__
)
def test_refresh__a_damaged_rollup__is_made_anew(tmp_path, damage):
    small_lake(tmp_path)
    refreshed(SMALL, tmp_path)
    damage(tmp_path / "_rollups" / list_folders(tmp_path)[0])

    assert reason_after(tmp_path).startswith("it cannot be read")


# --- crashes, and others at the same time


@pytest.mark.parametrize("step", ["_write", "_replace_manifest", "_sweep"])
def test_refresh__killed_while_saving__the_next_one_is_right(tmp_path, monkeypatch, step):
    small_lake(tmp_path)
    refreshed(SMALL, tmp_path)
    write_lake(tmp_path, events=[event("learner-1", "sale", day(8), 1.0)])

    def die(*_given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Shelf, step, die)
        with pytest.raises(KeyboardInterrupt):
            refreshed(SMALL, tmp_path)

    found = refreshed(SMALL, tmp_path)
    assert found.how == ("as it was" if step == "_sweep" else "updated")
    assert_as_history(SMALL, tmp_path)


def test_refresh__the_disk_is_full__the_readout_is_right_all_the_same(tmp_path, monkeypatch):
    lake = small_lake(tmp_path)

    def refuse(*_given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Shelf, "_write", refuse)
    found = rollups.refresh(SMALL, lake)

    assert "could not be saved" in found.reason
    assert exactly(rollups.collect(SMALL, lake)) == exactly(collect(SMALL, lake))


def test_save__a_later_one_is_there__it_stays(tmp_path):
    older = small_lake(tmp_path)
    slow = rollups.refresh(SMALL, older)
    write_lake(tmp_path, events=[event("learner-1", "sale", day(8), 1.0)])
    refreshed(SMALL, tmp_path)

    put = Shelf(older.root, rollups.Shape.of(SMALL)).save(slow.rollup)

    assert not put
    assert refreshed(SMALL, tmp_path).how == "as it was"


def test_save__old_files__go_when_nobody_can_be_reading_them(tmp_path):
    small_lake(tmp_path)
    refreshed(SMALL, tmp_path)
    place = tmp_path / "_rollups" / list_folders(tmp_path)[0]
    old = set(place.glob("*.parquet"))
    write_lake(tmp_path, events=[event("learner-1", "sale", day(8), 1.0)])
    refreshed(SMALL, tmp_path)
    assert old <= set(place.iterdir())
    for file in old:
        os.utime(file, (0, 0))

    write_lake(tmp_path, events=[event("learner-1", "sale", day(9), 1.0)])
    refreshed(SMALL, tmp_path)

    assert not old & set(place.iterdir())
    assert len(list(place.glob("*.parquet"))) == 4


# --- what is kept, and forgetting it


def test_forget__leaves_those_to_keep(tmp_path):
    small_lake(tmp_path)
    for phase in (1, 2):
        refreshed(replace(SMALL, phase=phase), tmp_path)
    kept = rollups.Shape.of(SMALL).folder

    assert rollups.forget(tmp_path, keep=[kept]) == 1
    assert list_folders(tmp_path) == (kept,)
    assert rollups.forget(tmp_path) == 1
    assert list_folders(tmp_path) == ()


def erased(root):
    for table in ("events", "exposures", "outcomes"):
        erase_learner(root, table, "abc1")
    rollups.forget(root)


def lake_with_one_to_erase(root):
    small_lake(root)
    return write_lake(
        root,
        exposures=[exposure("abc1", "double", day(6))],
        events=[event("abc1", "sale", day(7), 1.0)],
    )


def test_save__a_learner_was_erased_since_it_was_made__leaves_nothing_there(tmp_path):
    lake = lake_with_one_to_erase(tmp_path)
    made = rollups.refresh(SMALL, lake).rollup
    erased(tmp_path)

    was_put = Shelf(lake.root, rollups.Shape.of(SMALL)).save(made)

    assert (was_put, list_folders(tmp_path)) == (False, ())
    assert refreshed(SMALL, tmp_path).reason == "there was none"
    assert_as_history(SMALL, tmp_path)


def test_save__a_learner_is_erased_while_it_is_written__leaves_nothing_there(tmp_path, monkeypatch):
    lake = lake_with_one_to_erase(tmp_path)
    made = rollups.refresh(SMALL, lake).rollup
    replace_manifest = Shelf._replace_manifest

    def write_last(shelf, files, content):
        erased(tmp_path)
        (tmp_path / shelf.folder).mkdir(parents=True)
        replace_manifest(shelf, files, content)

    monkeypatch.setattr(Shelf, "_replace_manifest", write_last)
    was_put = Shelf(lake.root, rollups.Shape.of(replace(SMALL, phase=2))).save(made)

    assert (was_put, list_folders(tmp_path)) == (False, ())


def test_save__the_lake_grew_and_was_compacted_since__is_kept(tmp_path):
    lake = small_lake(tmp_path)
    made = rollups.rebuild(SMALL, lake).rollup
    for number in range(3):
        write_lake(tmp_path, events=[event(f"learner-{number}", "sale", day(8), 1.0)])
    compact_all(tmp_path, min_files=2)
    rollups.forget(tmp_path)

    assert Shelf(lake.root, rollups.Shape.of(SMALL)).save(made)
    assert refreshed(SMALL, tmp_path).how == "updated"


def test_save__the_log_no_longer_reaches_back__leaves_nothing_there(tmp_path):
    lake = small_lake(tmp_path)
    made = rollups.rebuild(SMALL, lake).rollup
    rollups.forget(tmp_path)
    version = lake.version["events"]
    (tmp_path / "events" / "_delta_log" / f"{version:020d}.json").unlink()

    assert not Shelf(lake.root, rollups.Shape.of(SMALL)).save(made)


def test_verify__a_rollup_that_grew__is_as_history_says(tmp_path):
    small_lake(tmp_path)
    refreshed(SMALL, tmp_path)
    lake = write_lake(tmp_path, events=[event("learner-1", "sale", day(8), 1.0)])

    found = rollups.verify(SMALL, lake)

    assert (found.n_learners, found.differing) == (6, ())


def test_verify__a_rollup_that_is_wrong__says_where(tmp_path):
    lake = small_lake(tmp_path)
    made = rollups.refresh(SMALL, lake).rollup
    rows = made.rows["events"].slice(1)
    wrong = replace(made, rows={"events": rows}, met=made.met.slice(1), received={})
    Shelf(lake.root, rollups.Shape.of(SMALL)).save(wrong)

    found = rollups.verify(SMALL, lake)

    assert found.differing == ("first exposures", "tallies of events", "when rows were received")


def test_is_rolled_up__another_engine__is_read_there(tmp_path):
    lake = Lake.open(tmp_path)

    assert rollups.is_rolled_up(SMALL, lake)
    assert not rollups.is_rolled_up(SMALL, replace(lake, engine="spark://cluster:7077"))


def test_refresh__a_plan_of_a_quantile_alone__has_no_tallies(tmp_path):
    small_lake(tmp_path)
    median = MetricPlan(
        "median", "Median", "quantile", "primary", event_kinds=("sale",), quantile=0.5,
        window_days=7,
    )  # fmt: skip

    assert_as_history(plan_of(metrics=(median,)), tmp_path)

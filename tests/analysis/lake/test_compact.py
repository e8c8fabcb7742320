from analysis.lake.compact import compact, compact_all, vacuum
from analysis.lake.reader import Lake
from analysis.lake.writer import append, last_sequence
from tests.analysis.lake.test_writer import learners_in, rows


def fill(root, n_commits):
    for sequence in range(n_commits):
        append(root, "events", rows(f"learner-{sequence}"), "buffer", sequence)


def test_compact__many_small_files__become_one_with_the_same_rows(tmp_path):
    fill(tmp_path, 9)
    before = learners_in(tmp_path)

    done = compact(tmp_path, "events")

    assert (done.n_files_before, done.n_files_after) == (9, 1)
    assert learners_in(tmp_path) == before


def test_compact__the_writer_comes_again__its_rows_are_still_known(tmp_path):
    fill(tmp_path, 9)

    compact(tmp_path, "events")
    append(tmp_path, "events", rows("again"), "buffer", 8)

    assert last_sequence(tmp_path, "events", "buffer") == 8
    assert len(learners_in(tmp_path)) == 9


def test_compact__few_files__does_nothing(tmp_path):
    fill(tmp_path, 3)

    assert compact(tmp_path, "events") is None
    assert compact_all(tmp_path) == ()


def test_compact__no_table__does_nothing(tmp_path):
    assert compact(tmp_path, "learners") is None
    assert vacuum(tmp_path, "learners") == ()


def test_compact__an_older_version__can_still_be_opened(tmp_path):
    fill(tmp_path, 9)
    older = dict(Lake.open(tmp_path).version)

    compact(tmp_path, "events")
    vacuum(tmp_path, "events")

    assert Lake.open(tmp_path, older).table("events").count().to_pyarrow().as_py() == 9


def test_vacuum__nothing_to_keep__removes_the_replaced_files(tmp_path):
    fill(tmp_path, 9)
    compact(tmp_path, "events")

    removed = vacuum(tmp_path, "events", keep_days=0)

    assert len(removed) == 9
    assert len(learners_in(tmp_path)) == 9

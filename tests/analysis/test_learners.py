"""Learners with their history: what was true of them when they met their variant."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from analysis.collect import collect
from analysis.history import pretend
from analysis.lake.reader import Lake
from analysis.learners import ATTRIBUTES, attributes_at, forget_superseded, statements_about
from analysis.plan import AnalysisPlan, MetricPlan
from tests.analysis.lakes import START, day, description, event, exposure, write_lake

LEARNERS = ("ada", "bo", "cy", "di")
SALES = MetricPlan("sales", "Sales", "sum", "primary", event_kinds=("sale",), window_days=7)
PLAN = AnalysisPlan(
    experiment="points",
    title="Double points",
    domain="incentive",
    unit_kind="learner",
    variants=("control", "double"),
    weights=(0.5, 0.5),
    metrics=(SALES,),
    started_at=START,
    as_of=day(40),
)


def roles_found(root, told=(), role=None, plan=PLAN):
    """Of two learners exposed on day 10, one told about: the roles they are counted in."""
    met = [exposure("ada", "control", day(10), role=role), exposure("bo", "double", day(10))]
    sold = [event(name, "sale", day(11), 5.0) for name in ("ada", "bo")]
    lake = write_lake(root, exposures=met, events=sold, learners=list(told))
    levels = collect(plan, lake).segments["sales"]["role"]
    return {level: sorted(by) for level, by in levels.items()}


def test_segments__learner_promoted_after_its_exposure__stays_in_the_role_it_had(tmp_path):
    told = [
        description("ada", day(2), role="seller"),
        description("ada", day(12), role="manager"),
    ]

    assert roles_found(tmp_path, told) == {"seller": ["control"], "unknown": ["double"]}


def test_segments__several_descriptions_before__the_latest_of_them_counts(tmp_path):
    told = [
        description("ada", day(9), role="manager"),
        description("ada", day(10), role="lead"),  # at the very moment of the exposure
        description("ada", day(2), role="seller"),
    ]

    assert roles_found(tmp_path, told)["lead"] == ["control"]


def test_segments__exposure_says_a_role__it_is_the_latest_that_was_known(tmp_path):
    told = [description("ada", day(2), role="seller")]

    assert roles_found(tmp_path, told, role="lead")["lead"] == ["control"]


def test_segments__nothing_known_before__the_earliest_after_counts(tmp_path):
    told = [
        description("ada", day(30), role="manager"),
        description("ada", day(12), role="seller"),
    ]

    assert roles_found(tmp_path, told)["seller"] == ["control"]


def test_segments__said_after_the_look__is_not_read(tmp_path):
    told = [description("ada", day(20), role="manager")]
    early = replace(PLAN, as_of=day(18))

    assert roles_found(tmp_path, told, plan=early) == {"unknown": ["control", "double"]}


def test_segments__description_that_leaves_something_out__keeps_what_was_said(tmp_path):
    told = [
        description("ada", day(2), role="seller"),
        description("ada", day(5), region="north"),
    ]

    assert roles_found(tmp_path, told)["seller"] == ["control"]


def test_segments__descriptions_in_any_order_of_arrival__are_the_same_to_the_bit(tmp_path):
    rng = np.random.default_rng(3)
    names = [f"learner-{n}" for n in range(40)]
    met = [exposure(name, ("control", "double")[n % 2], day(10)) for n, name in enumerate(names)]
    sold = [event(name, "sale", day(11), float(rng.uniform(1, 9))) for name in names]
    told = [
        description(name, day(float(at)), role=role, region=region)
        for name in names
        for at in (2, 2, 9, 14)  # two at one time
        for role, region in [(str(rng.choice(["seller", "lead"])), rng.choice(["north", None]))]
    ]
    found = []
    for number in range(3):
        order = rng.permutation(len(told))
        root = tmp_path / str(number)
        for part in np.array_split(order, 4):  # several files
            write_lake(root, learners=[told[place] for place in part])
        lake = write_lake(root, exposures=met, events=sold)
        found.append(collect(PLAN, lake).segments)

    def plain(segments):
        return {
            (segment, level, variant): (one.n, one.mean.tolist(), one.m2.tolist())
            for segment, levels in segments["sales"].items()
            for level, by in levels.items()
            for variant, one in by.items()
        }

    assert {key[1] for key in plain(found[0]) if key[0] == "role"} == {"seller", "lead"}
    assert plain(found[0]) == plain(found[1]) == plain(found[2])


def test_attributes_at__team_and_manager__are_those_of_the_time(tmp_path):
    lake = write_lake(
        tmp_path,
        exposures=[exposure("ada", "control", day(10)), exposure("bo", "control", day(3))],
        learners=[
            description("ada", day(1), team="red", manager="mo"),
            description("ada", day(11), team="blue", manager="nell"),
            description("bo", day(4), team="blue"),
        ],
    )
    met = lake.table("exposures")
    people = met.select("learner", exposed_us=met.exposed_at.epoch_seconds() * 1_000_000)

    rows = attributes_at(people, lake, day(40), ("team", "manager")).to_pyarrow().to_pylist()

    assert sorted(rows, key=lambda row: row["learner"]) == [
        {"learner": "ada", "team": "red", "manager": "mo"},
        {"learner": "bo", "team": "blue", "manager": None},
    ]


def test_statements_about__learner__are_all_that_was_said_in_order(tmp_path):
    lake = write_lake(
        tmp_path,
        exposures=[
            exposure("ada", "control", day(10), role="seller"),
            exposure("ada", "control", day(11)),  # says nothing
        ],
        learners=[
            description("ada", day(12), role="manager", manager="mo"),
            description("ada", day(2), region="north", started_on=day(1).date()),
            description("bo", day(2), role="seller"),
        ],
    )

    found = statements_about(lake, "ada")

    assert [(one.said_by, one.at, one.role) for one in found] == [
        ("description", day(2), None),
        ("points", day(10), "seller"),
        ("description", day(12), "manager"),
    ]
    assert (found[0].region, found[0].started_on) == ("north", day(1).date())
    assert found[2].manager == "mo"


@pytest.mark.parametrize(("told", "n_teams"), [("team", 2), ("manager", 2)])
def test_pretend__teams__are_those_of_the_pretended_exposure(tmp_path, told, n_teams):
    names = [f"learner-{n}" for n in range(20)]
    lake = write_lake(
        tmp_path,
        events=[event(name, "sale", day(at), 1.0) for name in names for at in (0, 20, 30)]
        + [event(name, "session_started", day(at)) for name in names for at in (0, 20, 30)],
        learners=[
            description(name, day(at), **{told: value})
            for n, name in enumerate(names)
            for at, value in ((1, ("red", "blue")[n % 2]), (35, "everybody's"))
        ],
    )

    assert pretend(lake, SALES, day(40)).n_teams == n_teams


def known_at(root, number):
    """Every learner's attributes as of a day."""
    met = [{"learner": who, "exposed_us": int(day(number).timestamp() * 1e6)} for who in LEARNERS]
    lake = Lake.open(root)
    people = lake.connect().create_table(f"met_{number}", pa.Table.from_pylist(met), temp=True)
    known = attributes_at(people, lake, day(1_000)).order_by("learner").to_pyarrow()
    return known.to_pylist()


def test_forget_superseded__any_history__changes_no_answer_from_that_time_on(tmp_path):
    rng = np.random.default_rng(5)
    given = {"role": list("abc"), "region": list("xy"), "team": ["t"], "manager": ["m", "n"]}
    told = [
        description(
            str(rng.choice(LEARNERS)),
            day(int(rng.integers(0, 40))),
            **{name: str(rng.choice(of)) for name, of in given.items() if rng.random() < 0.4},
            **({"started_on": START.date()} if rng.random() < 0.2 else {}),
        )
        for _ in range(120)
    ]
    write_lake(tmp_path, learners=told)
    days = (20, 21, 30, 39, 50)
    before = [known_at(tmp_path, number) for number in days]

    n_gone = forget_superseded(tmp_path, day(20))

    assert 30 < n_gone < 70
    assert [known_at(tmp_path, number) for number in days] == before
    assert Lake.open(tmp_path).table("learners").count().to_pyarrow().as_py() == 120 - n_gone
    assert forget_superseded(tmp_path, day(20)) == 0


def test_forget_superseded__nobody_was_described__does_nothing(tmp_path):
    assert forget_superseded(tmp_path, day(20)) == 0


def test_forget_superseded__said_nothing_and_nothing_since__is_still_a_known_learner(tmp_path):
    write_lake(tmp_path, learners=[description("ada", day(1)), description("ada", day(2))])

    assert forget_superseded(tmp_path, day(20)) == 1
    assert [row["learner"] for row in known_at(tmp_path, 30)] == ["ada"]
    assert set(known_at(tmp_path, 30)[0]) == {"learner", *ATTRIBUTES}

import json

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
import statsmodels.api as sm
from scipy import stats

from analysis.results import Verdict
from analysis.table.analyze import analyze_table
from analysis.table.options import parse_weights
from analysis.table.request import TableError, TableRequest
from tests.references.cr2_by_matrices import cr2

REQUEST = TableRequest("learner", "arm", "control", ("score",))


def columns(seed=0, n=400, effect=4.0):
    rng = np.random.default_rng(seed)
    arm = np.array(["control", "double"])[np.arange(n) % 2]
    before = rng.normal(50, 20, n)
    score = 0.6 * before + rng.normal(20, 16, n) + effect * (arm == "double")
    return {
        "learner": [f"{i:04d}" for i in range(n)],
        "arm": arm,
        "team": [f"t{i % 20}" for i in range(n)],
        "before": before,
        "score": score,
        "sales": rng.poisson(3, n).astype(float),
    }


@pytest.fixture(params=["csv", "parquet"])
def write(request, tmp_path):
    def to_file(data):
        path = tmp_path / f"table.{request.param}"
        table = data if isinstance(data, pa.Table) else pa.table(data)
        writer = pa.csv.write_csv if request.param == "csv" else pa.parquet.write_table
        writer(table, path)
        return path

    return to_file


def replaced(data, name, row, value):
    values = list(data[name])
    values[row] = value
    return {**data, name: values}


def refusal(path, request=REQUEST):
    with pytest.raises(TableError) as caught:
        analyze_table(path, request)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_analyze__two_arms__agrees_with_scipy(write):
    data = columns()

    found = analyze_table(write(data), REQUEST).to_json()["results"][0]

    a = data["score"][data["arm"] == "control"]
    b = data["score"][data["arm"] == "double"]
    expected = stats.ttest_ind(b, a, equal_var=False)
    interval = expected.confidence_interval()
    assert found["estimate"] == pytest.approx(b.mean() - a.mean(), rel=1e-12)
    assert found["p_value"] == pytest.approx(expected.pvalue, rel=1e-9)
    assert found["df"] == pytest.approx(expected.df, rel=1e-10)
    assert (found["low"], found["high"]) == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert (found["n"], found["n_control"]) == (200, 200)
    assert found["relative"]["estimate"] == pytest.approx(b.mean() / a.mean() - 1)


def test_analyze__covariate__agrees_with_regression(write):
    data = columns()
    request = TableRequest("learner", "arm", "control", ("score",), covariate="before")

    found = analyze_table(write(data), request).to_json()["results"][0]

    treated = (data["arm"] == "double").astype(float)
    fit = sm.OLS(data["score"], sm.add_constant(np.column_stack([treated, data["before"]]))).fit()
    assert found["method"] == "cuped"
    assert found["estimate"] == pytest.approx(fit.params[1], rel=1e-9)
    assert found["se"] == pytest.approx(fit.bse[1], rel=1e-9)


def test_analyze__cluster__agrees_with_cr2_and_counts_learners(write):
    data = columns()
    request = TableRequest("learner", "arm", "control", ("score",), cluster="team")

    analysis = analyze_table(write(data), request)

    found = analysis.to_json()["results"][0]
    treated = (data["arm"] == "double").astype(float)
    x = np.column_stack([1 - treated, treated])
    effect, se, df = cr2(data["score"], x, np.array(data["team"]), np.array([-1.0, 1.0]))
    assert (found["estimate"], found["se"], found["df"]) == pytest.approx((effect, se, df))
    assert found["n"] == 200
    enough = next(check for check in analysis.checks if check.name == "enough_units")
    assert enough.details["n"] == {"control": 10, "double": 10}


def test_analyze__clear_effect__ships(write):
    analysis = analyze_table(write(columns(effect=12.0)), REQUEST)

    assert analysis.decision.verdict is Verdict.SHIP
    assert analysis.decision.winner == "double"


def test_analyze__clear_harm__rolls_back(write):
    assert (
        analyze_table(write(columns(effect=-12.0)), REQUEST).decision.verdict is Verdict.ROLL_BACK
    )


def test_analyze__no_effect_and_a_wide_interval__is_inconclusive(write):
    request = TableRequest("learner", "arm", "control", ("score",), minimum_effect=1.0)

    analysis = analyze_table(write(columns(effect=0.0)), request)

    assert analysis.decision.verdict is Verdict.INCONCLUSIVE


def test_analyze__no_effect_and_a_large_minimum__is_no_meaningful_difference(write):
    request = TableRequest("learner", "arm", "control", ("score",), minimum_effect=9.0)

    analysis = analyze_table(write(columns(effect=0.0)), request)

    assert analysis.decision.verdict is Verdict.NO_MEANINGFUL_DIFFERENCE


def test_analyze__one_of_many_arms_lucky__is_held_back_by_dunnett(write):
    rng = np.random.default_rng(3)
    n = 1200
    arm = np.array(["control", *"abcdefgh"])[np.arange(n) % 9]
    score = rng.normal(0, 1, n)
    data = {"learner": [str(i) for i in range(n)], "arm": arm, "score": score}
    a, control = arm == "a", arm == "control"
    shift = score[control].mean() - score[a].mean() + 2.2 * (2 / 133) ** 0.5
    data["score"] = score + shift * a

    analysis = analyze_table(write(data), REQUEST)

    lucky = next(e for e in analysis.estimates if e.variant == "a")
    assert lucky.p_value < 0.05
    assert lucky.low < 0
    assert analysis.p_adjusted["score", "a"] > 0.05
    assert analysis.decision.verdict is not Verdict.SHIP


def test_analyze__lopsided_arms__must_not_be_used_unless_planned(write):
    data = pa.table(columns())
    uneven = data.filter(pa.array([i % 4 != 0 for i in range(data.num_rows)]))
    path = write(uneven)
    planned = TableRequest(
        "learner", "arm", "control", ("score",), weights={"control": 1.0, "double": 2.0}
    )

    assert analyze_table(path, REQUEST).decision.verdict is Verdict.DO_NOT_USE
    assert analyze_table(path, planned).decision.verdict is not Verdict.DO_NOT_USE


def test_analyze__missing_outcomes__are_left_out_and_counted(write):
    data = replaced(replaced(columns(), "score", 4, None), "score", 7, None)

    analysis = analyze_table(write(data), REQUEST)

    check = next(check for check in analysis.checks if check.name == "missing_outcomes")
    assert not check.passed
    assert check.severity == "warn"
    assert check.details["n_missing"]["score"] == 2
    assert (analysis.estimates[0].n, analysis.estimates[0].n_control) == (199, 199)


def test_analyze__unit_in_two_variants__is_left_out_and_counted(write):
    data = columns()
    data["learner"][1] = data["learner"][0]

    analysis = analyze_table(write(data), REQUEST)

    check = next(check for check in analysis.checks if check.name == "crossed_units")
    assert check.details["n_crossed"] == 1
    assert (analysis.estimates[0].n, analysis.estimates[0].n_control) == (199, 199)


def test_analyze__many_units_in_two_variants__must_not_be_used(write):
    data = columns()
    data["learner"][1:20:2] = data["learner"][0:20:2]

    assert analyze_table(write(data), REQUEST).decision.verdict is Verdict.DO_NOT_USE


def test_analyze__team_in_two_variants__is_left_out(write):
    request = TableRequest("learner", "arm", "control", ("score",), cluster="team")

    analysis = analyze_table(write(replaced(columns(), "team", 0, "t1")), request)

    check = next(check for check in analysis.checks if check.name == "crossed_units")
    assert check.details["n_crossed"] == 1


def test_analyze__as_json__has_no_nan_and_full_precision(write):
    analysis = analyze_table(
        write(columns()), TableRequest("learner", "arm", "control", ("score", "sales"))
    )

    plain = json.loads(json.dumps(analysis.to_json(), allow_nan=False))

    assert [result["outcome"] for result in plain["results"]] == ["score", "sales"]
    assert plain["results"][0]["se"] == analysis.estimates[0].se
    assert set(plain["results"][0]["relative"]) == {"estimate", "low", "high"}
    assert {"p_better", "expected_loss", "low", "high"} <= set(plain["results"][0]["posterior"])


def test_analyze__missing_column__is_named_with_a_suggestion(write):
    request = TableRequest("learner", "arm", "control", ("scores",))

    assert "no column 'scores'" in refusal(write(columns()), request)
    assert "did you mean 'score'?" in refusal(write(columns()), request)


def test_analyze__unknown_control__names_the_variants(write):
    request = TableRequest("learner", "arm", "ctrl", ("score",))

    assert "expected a value of arm: control, double" in refusal(write(columns()), request)


def test_analyze__one_arm__is_refused(write):
    data = {**columns(), "arm": ["control"] * 400}

    assert "found only control" in refusal(write(data))


def test_analyze__no_variance__is_refused(write):
    data = {**columns(), "score": [0.1] * 400}

    assert "same outcome" in refusal(write(data))


def test_analyze__text_among_numbers__is_named_with_its_unit(write):
    data = columns()
    texts = [str(value) for value in data["score"]]
    texts[5] = "twelve"

    message = refusal(write({**data, "score": texts}))

    assert "found 'twelve' (unit 0005)" in message


@pytest.mark.parametrize("value", [float("inf"), -float("inf"), 1e200])
def test_analyze__infinite_or_huge_value__is_refused(write, value):
    assert "expected a finite number" in refusal(write(replaced(columns(), "score", 3, value)))


def test_analyze__nan__counts_as_missing(write):
    analysis = analyze_table(write(replaced(columns(), "score", 3, float("nan"))), REQUEST)

    assert analysis.estimates[0].n == 199


def test_analyze__repeated_unit__is_refused(write):
    data = columns()
    data["learner"][2] = data["learner"][0]

    assert "'0000' has 2 rows" in refusal(write(data))


def test_analyze__all_outcomes_missing__is_refused(write):
    data = {**columns(), "score": pa.array([None] * 400, type=pa.float64())}

    assert "every one of 400 rows is empty" in refusal(write(data))


def test_analyze__outcome_as_its_own_covariate__is_refused(write):
    request = TableRequest("learner", "arm", "control", ("score",), covariate="score")

    assert "without remainder" in refusal(write(columns()), request)


def test_analyze__number_column_as_variant__is_refused(write):
    request = TableRequest("learner", "score", "control", ("sales",))

    assert "is it the right column?" in refusal(write(columns()), request)


def test_analyze__header_and_no_rows__is_refused(write):
    assert "no rows" in refusal(write(pa.table(columns()).slice(0, 0)))


def test_analyze__weights_of_other_variants__are_refused(write):
    request = TableRequest("learner", "arm", "control", ("score",), weights={"control": 1.0})

    assert "expected a share for each of control, double" in refusal(write(columns()), request)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300])
def test_analyze__minimum_effect_not_finite__is_refused(write, value):
    request = TableRequest("learner", "arm", "control", ("score",), minimum_effect=value)

    assert "--minimum-effect" in refusal(write(columns()), request)


def test_parse_weights__shares__are_read():
    assert parse_weights("a=0.5, b=2") == {"a": 0.5, "b": 2.0}


@pytest.mark.parametrize("text", ["a", "a=x", "=1", "a=0", "a=-1", "a=nan", "a=inf", ""])
def test_parse_weights__bad_entry__is_refused(text):
    with pytest.raises(TableError, match="expected variant=share"):
        parse_weights(text)


def test_analyze__true_and_false__are_one_and_nought(write):
    data = columns()
    passed = data["score"] > 50

    found = analyze_table(write({**data, "score": passed}), REQUEST).estimates[0]

    assert found.mean == pytest.approx(passed[data["arm"] == "double"].mean())


@pytest.mark.parametrize("name", ["None", "NA"])
def test_analyze__control_called_by_a_word_for_missing__is_found(write, name):
    data = columns(effect=12.0)
    arm = [name if a == "control" else a for a in data["arm"]]
    request = TableRequest("learner", "arm", name, ("score",))

    assert analyze_table(write({**data, "arm": arm}), request).decision.verdict is Verdict.SHIP


def test_analyze__units_randomised_within_clusters__says_that_the_cluster_was_not(write):
    data = {**columns(), "team": [f"t{i // 20}" for i in range(400)]}
    request = TableRequest("learner", "arm", "control", ("score",), cluster="team")

    assert "team: every one is in several variants" in refusal(write(data), request)


def test_analyze__constant_within_variants__is_refused_without_saying_it_is_the_same(write):
    data = columns()
    score = np.where(data["arm"] == "double", 7.0, 5.0)

    assert "differs between variants but not within one" in refusal(write({**data, "score": score}))


@pytest.mark.parametrize("value", [1e-300, 1e-3])
def test_analyze__minimum_effect_next_to_nothing__still_ships_a_clear_gain(write, value):
    request = TableRequest("learner", "arm", "control", ("score",), minimum_effect=value)

    analysis = analyze_table(write(columns(effect=12.0)), request)

    assert analysis.decision.verdict is Verdict.SHIP


def test_analyze__nine_to_one_without_weights__tells_of_the_option(write):
    data = columns()
    arm = ["double" if i % 10 == 0 else "control" for i in range(400)]

    reason = analyze_table(write({**data, "arm": arm}), REQUEST).decision.reason

    assert "--weights" in reason


def test_parse_weights__a_variant_twice__is_refused():
    with pytest.raises(TableError, match="a is named twice"):
        parse_weights("a=1,b=1,a=2")


def test_analyze__few_teams__is_left_to_people_with_the_draw_beside_it(write):
    rng = np.random.default_rng(21)
    team = np.repeat(np.arange(8), 12)
    arm = np.where(team % 2 == 1, "double", "control")
    score = 50 + 12 * (team % 2) + rng.normal(0, 2, 8)[team] + rng.normal(0, 6, 96)
    path = write({"learner": np.arange(96), "team": team, "arm": arm, "score": score})
    request = TableRequest("learner", "arm", "control", ("score",), cluster="team")

    found = analyze_table(path, request)

    result = found.to_json()["results"][0]
    assert result["low"] > 0
    assert found.decision.rule == "too-few-teams"
    assert result["teams"]["n_draws"] == 70
    assert result["teams"]["draw_p_value"] == pytest.approx(2 / 70)
    assert 0 <= result["teams"]["icc"] < 1

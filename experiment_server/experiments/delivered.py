"""An experiment as SDKs receive it, wherever it stands: previewed, running, paused, over. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from experiment_server.experiments.after import REVERT, after_rules, state_after
from experiment_server.experiments.design import HASH_VERSION, UNIT_ATTRIBUTES, compile_experiment
from experiment_server.experiments.designs.kind import START, Moment
from experiment_server.experiments.lifecycle import State
from experiment_server.experiments.models import Experiment, ExperimentPhase
from experiment_server.holdouts.models import Holdout
from experiment_server.holdouts.service import covers

LEARNER: Final = UNIT_ATTRIBUTES["learner"]

Feature = dict[str, Any]


def compile_delivered(
    experiment: Experiment,
    phase: ExperimentPhase | None,
    holdouts: Sequence[Holdout],
    moment: Moment = START,
) -> Feature | None:
    """The feature of an experiment; None when nobody is to hear of it.

    Args:
        experiment: in any state.
        phase: its current or last one; None before the first start.
        holdouts: the active ones of its environment.
        moment: how long the phase has run, and who is on its lists.
    """
    if experiment.state == State.DRAFT:
        return _draft(experiment) if experiment.previews else None
    if phase is None or experiment.state == State.ARCHIVED:
        return None
    whole = compile_experiment(experiment.key, experiment.title, phase.design, phase.seed, moment)
    if experiment.state == State.PAUSED:
        return _standing(whole, "paused", _previews(experiment, phase.design["variants"]))
    out = list(_held_out(experiment, phase, holdouts))
    if experiment.state == State.RUNNING:
        previews = _previews(experiment, phase.design["variants"])
        return {**whole, "rules": [*previews, *_before_the_split(whole["rules"], out)]}
    after = experiment.after or {"rule": REVERT, "variant": None}
    rules = after_rules(whole, after, phase.design["variants"])
    return _standing(whole, state_after(after), _before_the_split(rules, out) if rules else [])


def _draft(experiment: Experiment) -> Feature:
    """Rules for those who preview; to all others as if there were nothing of this key."""
    return {
        "defaultValue": None,
        "rules": _previews(experiment, experiment.variants),
        "momentum": {
            "experiment": True,
            "control": experiment.variants[0]["key"],
            "unit_kind": experiment.unit_kind,
            "state": "draft",
        },
    }


def _standing(whole: Feature, state: str, rules: Sequence[Feature]) -> Feature:
    return {**whole, "rules": list(rules), "momentum": {**whole["momentum"], "state": state}}


def _previews(experiment: Experiment, variants: Sequence[Mapping[str, Any]]) -> list[Feature]:
    """One rule for each variant that somebody looks at."""
    learners_of: dict[str, list[str]] = {}
    for learner, key in sorted(experiment.previews.items()):
        learners_of.setdefault(key, []).append(learner)
    return [
        {
            "condition": {LEARNER: {"$in": learners_of[variant["key"]]}},
            "force": variant["payload"],
            "momentum": {"variant": variant["key"], "reason": "preview"},
        }
        for variant in variants
        if variant["key"] in learners_of
    ]


def _held_out(
    experiment: Experiment, phase: ExperimentPhase, holdouts: Sequence[Holdout]
) -> Iterator[Feature]:
    """One rule for each holdout that covers the experiment: the control, and no exposure.

    An experiment that measures a holdout has people of both sides, so nothing keeps them out.
    """
    if experiment.holdout_key is not None:
        return
    control = phase.design["variants"][0]
    for holdout in holdouts:
        if covers(holdout, experiment.domain, phase.started_at):
            yield {
                "force": control["payload"],
                "seed": holdout.seed,
                "hashVersion": HASH_VERSION,
                "hashAttribute": UNIT_ATTRIBUTES[holdout.unit_kind],
                "range": [0, holdout.share],
                "momentum": {
                    "variant": control["key"],
                    "reason": "held_out",
                    "holdout": holdout.key,
                },
            }


def _before_the_split(rules: Sequence[Feature], out: Sequence[Feature]) -> list[Feature]:
    """The rules, with holdouts behind the units that are forced and before all else."""
    n_forced = next(
        (n for n, rule in enumerate(rules) if "forced_variant" not in rule.get("momentum", {})),
        len(rules),
    )
    return [*rules[:n_forced], *out, *rules[n_forced:]]

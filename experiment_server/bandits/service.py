"""The next batch's shares, from what the batches so far have shown."""

from hashlib import sha256

from sqlmodel import Session, col, select

from experiment_server.environments.models import Environment
from experiment_server.experiments.bandit import batch_ends_at, begin_next_batch, read_at
from experiment_server.experiments.bandit_errors import bandit_of
from experiment_server.experiments.lifecycle import State as Stage
from experiment_server.experiments.models import Experiment, ExperimentPhase
from experiment_server.experiments.plans import LookWish
from experiment_server.readouts.read import collect_bandit
from experiment_server.schedule.job import Claim, Slot
from experiment_server.schedule.slots import confirm
from experiment_server.state import State


def list_running(session: Session) -> list[tuple[Environment, Experiment, ExperimentPhase]]:
    """Every bandit that runs, with its current batch."""
    found = session.exec(
        select(Environment, Experiment, ExperimentPhase)
        .where(Environment.id == Experiment.environment_id)
        .where(ExperimentPhase.experiment_id == Experiment.id)
        .where(ExperimentPhase.number == Experiment.phase)
        .where(Experiment.state == Stage.RUNNING.value)
        .order_by(col(Experiment.id))
    )
    return [row for row in found if bandit_of(row[2].design) is not None]


def slot_of(
    environment: Environment, experiment: Experiment, phase: ExperimentPhase
) -> Slot | None:
    """When the current batch is over; None: not to be known, or no other follows."""
    end = batch_ends_at(phase)
    return None if end is None else Slot(f"{environment.key}/{experiment.key}", end)


def turn(state: State, claim: Claim) -> None:
    """End the batch of a slot and begin the next, once; what was turned already stays.

    Shares come from learners whose window was complete when the slot's time came. Where too few
    are, the next batch keeps the shares as they are.
    """
    with state.database.read() as session:
        rows = list_running(session)
    for environment, experiment, phase in rows:
        if slot_of(environment, experiment, phase) != claim.slot:
            continue
        shares = shares_after(state, environment, experiment, phase, claim)
        with state.database.write() as session:
            confirm(session, claim)
            current = session.get_one(Experiment, experiment.id, with_for_update=True)
            session.refresh(current)
            batch = session.get_one(ExperimentPhase, phase.id)
            now = max(state.clock(), claim.slot_at)
            still = current.phase == phase.number and current.state == Stage.RUNNING.value
            if still and now < read_at(batch):
                begin_next_batch(session, current, batch, shares, now)
        return


def shares_after(
    state: State,
    environment: Environment,
    experiment: Experiment,
    phase: ExperimentPhase,
    claim: Claim,
) -> dict[str, float]:
    """What share of the next batch each variant gets."""
    # scipy costs every start of the server half a second: only a bandit's turn needs it
    from analysis.bandit.shares import next_shares
    from analysis.estimate import compare_all
    from analysis.results import NotEstimable
    from analysis.statistics.batches import Batches

    bandit = bandit_of(phase.design) or {}
    plan, collected = collect_bandit(
        state, environment, experiment, phase, LookWish(as_of=claim.slot_at, look=0)
    )
    arms = collected.metrics[plan.primary.key]
    as_they_are = dict(zip(plan.variants, plan.batches[-1].shares, strict=True))
    compared = compare_all(plan.primary, plan.variants, arms)
    if not compared.estimable:
        return as_they_are
    found = next_shares(
        {key: arm.parts for key, arm in arms.items() if isinstance(arm, Batches)},
        floor=bandit["floor"],
        prior_sd=compared.prior.sd,
        sign=compared.sign,
        leader_share=bandit["leader_share"],
        seed=int.from_bytes(sha256(phase.seed.encode()).digest()[:4]),
    )
    return as_they_are if isinstance(found, NotEstimable) else found

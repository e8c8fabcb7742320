"""What every client does at once: decide, log, explain. Waiting is left to its fronts."""

import contextlib
import weakref
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from . import processes
from .answers import Counts, Status, Variant, fresh, same_kind
from .exposures import SeenExposures
from .items import (
    Item,
    Unusable,
    build_event,
    build_exposure,
    build_learner,
    encode_item,
    learner_text,
)
from .notices import Notices
from .options import read_options, waiting_time

if TYPE_CHECKING:
    from ._assignment import Evaluation
    from .learner import Learner
    from .runtime import Runtime

_UNUSABLE = frozenset({"unknown_flag", "error"})


class Decider:
    """Decides variants and flags locally, and queues what is to be sent."""

    def __init__(self, base_url: str, key: str, **config: Any) -> None:
        """Start asking for definitions; returns at once.

        Args:
            base_url: the server's address, such as https://momentum.example.com.
            key: a server key (mo_server_...) or a client key.
            **config: options, see `Options`.
        """
        # Late: importing the engine and http.client costs more than all the rest of the package.
        from ._assignment import evaluate
        from .runtime import Runtime

        self._decide = evaluate
        self._notices = Notices()
        options, complaints = read_options(config)
        for complaint in complaints:
            self._notices.warn(complaint, "%s", complaint)
        self._seen = SeenExposures(options.exposure_memory)
        self._options = options
        self._runtime = Runtime(base_url, key, options, self._notices)
        self._runtime.start()
        processes.watch(self._runtime)
        weakref.finalize(self, self._runtime.abandon).atexit = False

    def variant(
        self,
        experiment: str,
        learner: str | int,
        attributes: Mapping[str, Any] | None = None,
        *,
        default: str = "control",
        at: datetime | None = None,
    ) -> Variant:
        """The learner's variant; logs the exposure when the learner is in the experiment.

        Args:
            experiment: the experiment's key.
            learner: the learner's id.
            attributes: what targeting asks for; a team experiment needs "team".
            default: the variant to answer with when nothing is known of the experiment.
            at: when the learner met the variant, if not now; must have a time zone.
        """
        try:
            return self._variant(experiment, learner, attributes, default, at)
        except Exception as error:  # the host must survive whatever it handed in
            self._failed("variant", error)
            return Variant(default, None, False, "error")

    def for_learner(
        self,
        learner: str | int,
        attributes: Mapping[str, Any] | None = None,
        forced: Mapping[str, str] | None = None,
    ) -> "Learner":
        """The client, bound to one learner.

        Args:
            learner: the learner's id.
            attributes: what targeting asks for.
            forced: experiment to variant, for testers; from `momentum_sdk.qa.read`.
        """
        from .learner import Learner

        return Learner(self, lambda: (learner, attributes or {}), lambda: forced or {})

    def explain(
        self,
        flag: str,
        learner: str | int | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> str:
        """Why the learner gets what it gets, in words; logs no exposure."""
        try:
            from . import explaining
            from ._assignment.explaining import explain

            payload = self._live().definitions.payload
            asked = attributes if isinstance(attributes, Mapping) else {}
            if learner is not None:
                asked = {**asked, "id": learner_text(learner)}
            remembering = self._runtime.remembering
            visit = None if remembering is None else remembering.visit_to_explain
            told = None if payload is None else explain(payload, flag, asked, visit)
            return explaining.explain(str(flag), told, self.status())
        except Exception as error:  # the host must survive whatever it handed in
            self._failed("explain", error)
            return "What was handed in cannot be explained; the log says more."

    def evaluate(
        self,
        flag: str,
        learner: str | int | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> "Evaluation | None":
        """All that is known of a decision, its exposure logged; None without definitions.

        For providers and hooks; an LMS asks `variant`, `is_on` and `value`.
        """
        try:
            return self._evaluate(flag, learner, attributes)
        except Exception as error:  # the host must survive whatever it handed in
            self._failed("evaluate", error)
            from ._assignment import Evaluation

            return Evaluation(None, None, "error")

    def listen(self, listener: Callable[[str], None] | None) -> None:
        """Hear of the definitions from now on; None stops it.

        Args:
            listener: gets "changed", "stale" or "confirmed" (not stale any longer), in the thread
                that asks for definitions.
        """
        self._runtime.definitions.listener = listener

    def forced_variant(self, experiment: str, variant: str) -> Variant | None:
        """A variant by its key, for a tester; None if the experiment has none of this key."""
        try:
            payload = self._live().definitions.payload
            flag = None if payload is None else payload.flags.get(experiment)
            for rule in () if flag is None else flag.rules:
                for answer in getattr(rule, "answers", ()):  # of an experiment's rule
                    if answer.variant == variant:
                        return Variant(variant, fresh(answer.value), False, "forced")
        except Exception as error:  # the host must survive whatever it handed in
            self._failed("forced_variant", error)
        return None

    def is_on(
        self,
        flag: str,
        learner: str | int | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> bool:
        """Whether a flag is on; False when nothing is known of it."""
        try:
            evaluation = self._evaluate(flag, learner, attributes)
        except Exception as error:  # the host must survive whatever it handed in
            self._failed("is_on", error)
            return False
        return evaluation is not None and evaluation.is_on

    def value(
        self,
        flag: str,
        default: Any,
        learner: str | int | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> Any:
        """A flag's value; the default when nothing is known or its type is another."""
        try:
            evaluation = self._evaluate(flag, learner, attributes)
            if evaluation is None or evaluation.value is None:
                return default
            if not same_kind(evaluation.value, default):
                self._notices.warn("type", "flag %.100r is of another type than its default", flag)
                return default
            return fresh(evaluation.value)
        except Exception as error:  # the host must survive whatever it handed in
            self._failed("value", error)
            return default

    def track(
        self,
        kind: str,
        learner: str | int,
        value: float | None = None,
        properties: Mapping[str, Any] | None = None,
        at: datetime | None = None,
    ) -> None:
        """Log that a learner did something.

        Args:
            kind: what, such as "challenge_completed", or "custom:<name>" for your own.
            learner: the learner's id.
            value: a number that belongs to it, such as points or minutes.
            properties: more, such as {"activity": "quiz-7", "course": "negotiation"}.
            at: when, if not now; must have a time zone.
        """
        self._hand_over(
            lambda item_id: build_event(item_id, kind, learner, value, properties, at), "track"
        )

    def identify(
        self, learner: str | int, attributes: Mapping[str, Any], at: datetime | None = None
    ) -> None:
        """Describe a learner: role, region, team, started_on; anything else stays in the host."""
        self._hand_over(lambda item_id: build_learner(item_id, learner, attributes, at), "identify")

    def counts(self) -> Counts:
        """What became of the events handed over so far."""
        return self._runtime.outbox.counts()

    def status(self) -> Status:
        """What the client decides by at the moment, and whether the server still confirms it."""
        return self._runtime.definitions.status()

    def _ready(self, timeout_s: float) -> bool:
        try:
            return self._live().definitions.wait_until_fresh(waiting_time(timeout_s))
        except Exception as error:  # the host must survive whatever it handed in
            self._failed("ready", error)
            return False

    def _refresh(self, timeout_s: float) -> bool:
        try:
            return self._live().definitions.refresh(waiting_time(timeout_s))
        except Exception as error:  # the host must survive whatever it handed in
            self._failed("refresh", error)
            return False

    def _flush(self, timeout_s: float) -> bool:
        try:
            return self._live().outbox.flush(waiting_time(timeout_s))
        except Exception as error:  # the host must survive whatever it handed in
            self._failed("flush", error)
            return False

    def _close(self, timeout_s: float | None) -> None:
        try:
            limit_s = self._options.exit_timeout_s if timeout_s is None else timeout_s
            self._runtime.close(waiting_time(limit_s))
        except Exception as error:  # the host must survive whatever it handed in
            self._failed("close", error)

    def _live(self) -> "Runtime":
        """The runtime, with its threads running; they are started anew after a fork."""
        runtime = self._runtime
        if not runtime.is_running:
            runtime.start()
        return runtime

    def _variant(
        self,
        experiment: str,
        learner: Any,
        attributes: Mapping[str, Any] | None,
        default: str,
        at: datetime | None,
    ) -> Variant:
        if not learner_text(learner):
            learner, attributes = "", None  # nobody to log an exposure for: outside, whatever else
        evaluation = self._evaluate(experiment, learner, attributes, at)
        if evaluation is None:
            return Variant(default, None, False, "not_ready")
        if evaluation.variant is None and evaluation.reason in _UNUSABLE:
            return Variant(default, None, False, evaluation.reason)
        return Variant(
            default if evaluation.variant is None else evaluation.variant,
            fresh(evaluation.value),
            evaluation.in_experiment,
            evaluation.reason,
        )

    def _evaluate(
        self,
        flag: str,
        learner: Any,
        attributes: Mapping[str, Any] | None,
        at: datetime | None = None,
    ) -> "Evaluation | None":
        """The evaluation, its exposure logged; None while no definitions are known."""
        payload = self._live().definitions.payload
        if payload is None:
            return None
        told = attributes if isinstance(attributes, Mapping) else {}
        remembering = self._runtime.remembering
        visit = None if remembering is None else remembering.visit
        if learner is None:
            return self._decide(payload, flag, told, visit)
        text = learner_text(learner)
        evaluation = self._decide(payload, flag, {**told, "id": text}, visit)
        if evaluation.in_experiment and text:
            self._expose(evaluation, text, told, at)
        return evaluation

    def _expose(
        self, evaluation: "Evaluation", learner: str, attributes: Mapping[str, Any], at: Any
    ) -> None:
        """Log the exposure, once for each learner, variant and phase."""
        experiment, variant = evaluation.experiment or "", evaluation.variant or ""
        exposure = (learner, experiment, variant, evaluation.phase)
        if exposure in self._seen:
            return

        def build(item_id: str) -> Item:
            item = build_exposure(item_id, experiment, variant, learner, attributes, at)
            if evaluation.unit_attribute == "team":
                item["unit"] = learner_text(attributes.get("team"))
            return item

        if self._hand_over(build, "exposure"):
            self._seen.add(exposure)  # a dropped one is logged at the next occasion

    def _hand_over(self, build: Callable[[str], Item], what: str) -> bool:
        """Queue an item; False when it was dropped, which is counted and said."""
        outbox = self._runtime.outbox
        try:
            item, mended = encode_item(build(self._runtime.ids.next()))
            outbox = self._live().outbox
            if mended:
                self._notices.warn(
                    "mended",
                    "%s: what JSON cannot carry was left out or replaced, in %s",
                    what,
                    ", ".join(mended),
                )
            if outbox.put(item):
                return True
            if not self._options.offline:
                self._notices.warn("full", "events are dropped: the queue is full or closed")
        except Unusable as problem:
            outbox.count_dropped()
            self._notices.warn(f"{what}: {problem}", "%s was dropped: %s", what, problem)
        except Exception as error:  # the host must survive whatever it handed in
            outbox.count_dropped()
            self._failed(what, error)
        return False

    def warn_of(self, what: str, error: Exception) -> None:
        """Log that the host's own function failed; says its type only."""
        self._failed(what, error)

    def _failed(self, what: str, error: Exception) -> None:
        with contextlib.suppress(Exception):  # even a log handler of the host may raise
            self._notices.warn(f"failed {what}", "%s failed: %s", what, type(error).__name__)

"""InMemory: a client for the host's own tests. Answers as told, records, opens no connection."""
# ruff: noqa: ARG002 - the signatures are those of Momentum

from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any

from ._assignment import Evaluation, Reason
from ._assignment.values import is_truthy
from .answers import Counts, Status, Variant, fresh
from .items import Item, ItemIds, Unusable, build_event, build_exposure, build_learner, learner_text
from .learner import Learner


class InMemory:
    """Takes the place of `Momentum` in a test: the same methods, fixed answers.

    Attributes:
        exposures: what would have been sent for each variant that was asked for, once a learner.
        events: what would have been sent for each `track`.
        learners: what would have been sent for each `identify`.

    Example:
        >>> momentum = InMemory(variants={"reward-ladder": "badges"}, values={"new-home": True})
        >>> momentum.variant("reward-ladder", "learner-1").key
        'badges'
        >>> momentum.is_on("new-home")
        True
        >>> [exposure["experiment"] for exposure in momentum.exposures]
        ['reward-ladder']
    """

    def __init__(
        self,
        variants: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None,
        payloads: Mapping[str, Any] | None = None,
    ) -> None:
        """Fix the answers.

        Args:
            variants: experiment to the variant that every learner gets.
            values: flag to its value.
            payloads: experiment to its variant's payload.
        """
        self.variants = dict(variants or {})
        self.values = dict(values or {})
        self.payloads = dict(payloads or {})
        self.exposures: list[Item] = []
        self.events: list[Item] = []
        self.learners: list[Item] = []
        self._ids = ItemIds()
        self._seen: set[tuple[str, str, str]] = set()
        self._n_dropped = 0

    def variant(
        self,
        experiment: str,
        learner: str | int,
        attributes: Mapping[str, Any] | None = None,
        *,
        default: str = "control",
        at: datetime | None = None,
    ) -> Variant:
        """The fixed variant; the default for an experiment that was not given one."""
        key = self.variants.get(experiment)
        if key is None:
            return Variant(default, None, False, "unknown_flag")
        payload = fresh(self.payloads.get(experiment))
        text = learner_text(learner)
        if not text:
            return Variant(key, payload, False, "no_unit")
        if (experiment, key, text) not in self._seen:
            self._seen.add((experiment, key, text))
            told = attributes if isinstance(attributes, Mapping) else {}
            self._record(
                self.exposures,
                lambda: build_exposure(self._ids.next(), experiment, key, text, told, at),
            )
        return Variant(key, payload, True, "split")

    def for_learner(
        self,
        learner: str | int,
        attributes: Mapping[str, Any] | None = None,
        forced: Mapping[str, str] | None = None,
    ) -> "Learner":
        """The client, bound to one learner."""
        return Learner(self, lambda: (learner, attributes or {}), lambda: forced or {})

    def evaluate(
        self,
        flag: str,
        learner: str | int | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> "Evaluation | None":
        """The fixed answer, as providers and hooks ask for it."""
        if flag in self.variants:
            told = self.variant(flag, "" if learner is None else learner, attributes)
            reason: Reason = "split" if told.in_experiment else "no_unit"
            return Evaluation(told.payload, told.key, reason, -1, told.in_experiment, flag)
        if flag in self.values:
            return Evaluation(fresh(self.values[flag]), None, "default")
        return Evaluation(None, None, "unknown_flag")

    def listen(self, listener: Callable[[str], None] | None) -> None:
        """Nothing ever changes."""

    def forced_variant(self, experiment: str, variant: str) -> Variant | None:
        """The variant that a token asks for; each exists."""
        return Variant(variant, fresh(self.payloads.get(experiment)), False, "forced")

    def explain(
        self,
        flag: str,
        learner: str | int | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> str:
        """Says that the answer is fixed."""
        return f"{flag}: The test fixed the answer."

    def warn_of(self, what: str, error: Exception) -> None:
        """Fail: what would be logged in production is to be seen in a test."""
        raise error

    def is_on(
        self,
        flag: str,
        learner: str | int | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> bool:
        """Whether the fixed value counts as on."""
        return is_truthy(self.values.get(flag))

    def value(
        self,
        flag: str,
        default: Any,
        learner: str | int | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> Any:
        """The fixed value; the default for a flag that was not given one."""
        return fresh(self.values.get(flag, default))

    def track(
        self,
        kind: str,
        learner: str | int,
        value: float | None = None,
        properties: Mapping[str, Any] | None = None,
        at: datetime | None = None,
    ) -> None:
        """Record an event."""
        self._record(
            self.events,
            lambda: build_event(self._ids.next(), kind, learner, value, properties, at),
        )

    def identify(
        self, learner: str | int, attributes: Mapping[str, Any], at: datetime | None = None
    ) -> None:
        """Record a learner's description."""
        self._record(
            self.learners, lambda: build_learner(self._ids.next(), learner, attributes, at)
        )

    def ready(self, timeout_s: float = 5.0) -> bool:
        """Always ready."""
        return True

    def refresh(self, timeout_s: float = 5.0) -> bool:
        """There is nothing to ask for."""
        return True

    def flush(self, timeout_s: float = 10.0) -> bool:
        """There is nothing to send."""
        return True

    def counts(self) -> Counts:
        """What was recorded, as delivered; what could not have been sent, as dropped."""
        n = len(self.exposures) + len(self.events) + len(self.learners)
        return Counts(n + self._n_dropped, n, 0, self._n_dropped, 0)

    def status(self) -> Status:
        """Definitions as given, never stale."""
        return Status("given", False, None, "", 0)

    def close(self, timeout_s: float | None = None) -> None:
        """There is nothing to close."""

    def __enter__(self) -> "InMemory":
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def _record(self, records: list[Item], build: Any) -> None:
        try:
            records.append(build())
        except Unusable:
            self._n_dropped += 1


def pytest_momentum(**answers: Any) -> Any:
    """A pytest fixture that gives each test a client of its own.

    In conftest.py: `momentum = pytest_momentum(variants={"reward-ladder": "badges"})`.

    Args:
        **answers: those of `InMemory`; a test may change them on its own client.
    """
    import pytest

    def momentum() -> InMemory:
        return InMemory(**answers)

    return pytest.fixture(momentum)

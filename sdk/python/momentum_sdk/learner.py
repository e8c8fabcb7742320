"""One learner, bound to a client: for the length of a request nobody repeats who asks."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from .answers import Variant

Who = tuple[str | int, Mapping[str, Any]] | None
"""A learner's id and attributes; None for nobody."""


class Decides(Protocol):
    """What a client offers to a bound learner: `Momentum`, or `InMemory` in tests."""

    def variant(
        self,
        experiment: str,
        learner: str | int,
        attributes: Mapping[str, Any] | None = None,
        *,
        default: str = "control",
        at: datetime | None = None,
    ) -> Variant:
        """The learner's variant."""

    def forced_variant(self, experiment: str, variant: str) -> Variant | None:
        """A variant by its key."""

    def is_on(
        self,
        flag: str,
        learner: str | int | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> bool:
        """Whether a flag is on."""

    def value(
        self,
        flag: str,
        default: Any,
        learner: str | int | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> Any:
        """A flag's value."""

    def explain(
        self,
        flag: str,
        learner: str | int | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> str:
        """Why, in words."""

    def track(
        self,
        kind: str,
        learner: str | int,
        value: float | None = None,
        properties: Mapping[str, Any] | None = None,
        at: datetime | None = None,
    ) -> None:
        """Log an event."""

    def warn_of(self, what: str, error: Exception) -> None:
        """Log that the host's own function failed."""


class Learner:
    """What a client says to one learner. Who that is, is asked for at the first use."""

    def __init__(
        self,
        client: Decides,
        who: Callable[[], Who],
        forced: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """Bind.

        Args:
            client: decides and logs.
            who: gives the learner's id and attributes, or None for nobody.
            forced: gives experiment to variant, for testers; see `momentum_sdk.qa`.
        """
        self._client = client
        self._ask_who = who
        self._ask_forced = forced
        self._known: tuple[str | int, Mapping[str, Any], Mapping[str, str]] | None = None

    def variant(
        self, experiment: str, *, default: str = "control", at: datetime | None = None
    ) -> Variant:
        """The learner's variant; logs the exposure, unless the variant is forced."""
        learner, attributes, forced = self._who()
        wanted = _wanted(forced, experiment)
        if wanted is not None:
            variant = self._client.forced_variant(experiment, wanted)
            if variant is not None:
                return variant
        return self._client.variant(experiment, learner, attributes, default=default, at=at)

    def is_on(self, flag: str) -> bool:
        """Whether a flag is on for the learner."""
        learner, attributes, _ = self._who()
        return self._client.is_on(flag, learner, attributes)

    def value(self, flag: str, default: Any) -> Any:
        """A flag's value for the learner."""
        learner, attributes, _ = self._who()
        return self._client.value(flag, default, learner, attributes)

    def explain(self, flag: str) -> str:
        """Why the learner gets what it gets, in words."""
        learner, attributes, forced = self._who()
        wanted = _wanted(forced, flag)
        if wanted is not None and self._client.forced_variant(flag, wanted):
            return f"A signed token forces the variant '{wanted}'. No exposure is logged."
        return self._client.explain(flag, learner, attributes)

    def track(
        self,
        kind: str,
        value: float | None = None,
        properties: Mapping[str, Any] | None = None,
        at: datetime | None = None,
    ) -> None:
        """Log that the learner did something; nothing for nobody."""
        learner, _, _ = self._who()
        if type(learner) is not str or learner:
            self._client.track(kind, learner, value, properties, at)

    def _who(self) -> tuple[str | int, Mapping[str, Any], Mapping[str, str]]:
        if self._known is None:
            try:
                learner, attributes = self._ask_who() or ("", {})
            except Exception as error:  # the page must come even if it is unclear for whom
                self._client.warn_of("who", error)
                learner, attributes = "", {}
            self._known = learner, attributes, self._forced()
        return self._known

    def _forced(self) -> Mapping[str, str]:
        try:
            return dict(self._ask_forced())
        except Exception as error:  # what cannot be read forces nothing; the learner stays
            self._client.warn_of("forced", error)
            return {}


def _wanted(forced: Mapping[str, str], experiment: str) -> str | None:
    """The variant that is forced; what is no text was forced by nobody."""
    return forced.get(experiment) if type(experiment) is str else None

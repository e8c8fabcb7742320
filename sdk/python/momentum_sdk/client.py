"""Momentum: what an LMS holds in its hand."""

from types import TracebackType

from .deciding import Decider


class Momentum(Decider):
    """Decides variants and flags locally, and logs exposures and engagement in the background.

    No method raises, whatever it is given, and none waits longer than it was allowed to.

    Example:
        >>> momentum = Momentum("https://momentum.example.com", "mo_server_...")  # doctest: +SKIP
        >>> momentum.variant("reward-ladder", "learner-1", {"role": "seller"}).key  # doctest: +SKIP
        'badges'
    """

    def ready(self, timeout_s: float = 5.0) -> bool:
        """Whether the server's definitions have arrived, waiting at most so long."""
        return self._ready(timeout_s)

    def refresh(self, timeout_s: float = 5.0) -> bool:
        """Ask for definitions now; whether the server answered in time."""
        return self._refresh(timeout_s)

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Send what waits; whether the server has dealt with all of it in time."""
        return self._flush(timeout_s)

    def close(self, timeout_s: float | None = None) -> None:
        """Send what waits, at most so long (exit_timeout_s if not said), and stop."""
        self._close(timeout_s)

    def __enter__(self) -> "Momentum":
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close(max(self._options.exit_timeout_s, 10.0))

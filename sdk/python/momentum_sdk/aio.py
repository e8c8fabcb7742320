"""AsyncMomentum: the same client under asyncio. What may take time is awaited."""

from types import TracebackType
from typing import Any

from .deciding import Decider


class AsyncMomentum(Decider):
    """Decides variants and flags locally; nothing blocks the event loop.

    Decisions and `track` take microseconds and are called as they are. `ready`, `refresh`, `flush`
    and `close` are awaited. Make it when the program starts: that reads certificates from the disk.

    Example:
        >>> async def main():  # doctest: +SKIP
        ...     async with AsyncMomentum("https://m.example.com", "mo_server_...") as momentum:
        ...         await momentum.ready(5)
        ...         momentum.variant("reward-ladder", "learner-1", {"role": "seller"})
    """

    def __init__(self, base_url: str, key: str, **config: Any) -> None:
        """Start asking for definitions; options as those of `Momentum`, but block_when_full_s."""
        blocks = config.pop("block_when_full_s", None)
        super().__init__(base_url, key, **config)
        if blocks:
            self._notices.warn("block", "block_when_full_s would block the loop and is ignored")

    async def ready(self, timeout_s: float = 5.0) -> bool:
        """Whether the server's definitions have arrived, waiting at most so long."""
        return bool(await _in_thread(self._ready, timeout_s))

    async def refresh(self, timeout_s: float = 5.0) -> bool:
        """Ask for definitions now; whether the server answered in time."""
        return bool(await _in_thread(self._refresh, timeout_s))

    async def flush(self, timeout_s: float = 10.0) -> bool:
        """Send what waits; whether the server has dealt with all of it in time."""
        return bool(await _in_thread(self._flush, timeout_s))

    async def close(self, timeout_s: float | None = None) -> None:
        """Send what waits, at most so long (exit_timeout_s if not said), and stop."""
        await _in_thread(self._close, timeout_s)

    async def __aenter__(self) -> "AsyncMomentum":
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self.close(max(self._options.exit_timeout_s, 10.0))


async def _in_thread(wait: Any, timeout_s: float | None) -> Any:
    import asyncio

    return await asyncio.to_thread(wait, timeout_s)

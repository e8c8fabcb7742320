"""The client under asyncio: the same answers, and a loop that is never blocked."""

import asyncio
import threading
import time

import pytest
from momentum_sdk import AsyncMomentum, Momentum

from tests.sdk.conftest import HURRY
from tests.sdk.fault_server import PAYLOAD
from tests.sdk.test_faults import wait_for

SELLER = {"role": "seller"}


def test_async__same_learners__get_the_same_variants_and_all_arrives(server) -> None:
    async def main():
        async with AsyncMomentum(server.url, "mo_server_x", **HURRY) as momentum:
            assert await momentum.ready(30)
            assert await momentum.refresh(30)
            keys = [momentum.variant("reward-ladder", f"l{n}", SELLER).key for n in range(50)]
            momentum.track("login", "l1")
            assert await momentum.flush(30)
            bound = momentum.for_learner("l1", SELLER)
            assert bound.variant("reward-ladder").key == keys[1]
            return keys

    alone = Momentum("nowhere", "mo_server_x", payload=PAYLOAD, offline=True)

    keys = asyncio.run(main())

    assert keys == [alone.variant("reward-ladder", f"l{n}", SELLER).key for n in range(50)]
    assert len(server.of_type("event")) == 1
    assert len(server.of_type("exposure")) == 50


@pytest.mark.parametrize("wait", ["ready", "refresh", "flush", "close"])
def test_async__waiting_for_a_silent_server__leaves_the_loop_running(server, wait) -> None:
    server.reply = lambda _asked: time.sleep(20)  # type: ignore[func-returns-value]

    async def main() -> int:
        momentum = AsyncMomentum(server.url, "mo_server_x", **HURRY)
        momentum.track("login", "l1")
        n_turns = 0
        waiting = asyncio.create_task(getattr(momentum, wait)(0.4))
        while not waiting.done():
            await asyncio.sleep(0.005)
            n_turns += 1
        await momentum.close(0)
        return n_turns

    assert asyncio.run(main()) > 1, "others had their turns while it waited"
    assert wait_for(lambda: not any("momentum" in one.name for one in threading.enumerate()))


def test_async__full_queue__never_blocks(lines) -> None:
    async def main() -> int:
        momentum = AsyncMomentum(
            "http://127.0.0.1:9", "k", **HURRY, queue_size=1, block_when_full_s=5
        )
        started = time.monotonic()
        for number in range(20):
            momentum.track("login", f"l{number}")
        spent = time.monotonic() - started
        await momentum.close(0)
        return spent

    assert asyncio.run(main()) < 1
    assert any("block_when_full_s would block" in line for line in lines())

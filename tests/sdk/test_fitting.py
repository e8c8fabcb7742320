"""Requests that a proxy finds too large: their size is learned, so that no batch waits for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from momentum_sdk.fitting import Fit, cut
from momentum_sdk.notices import Notices
from momentum_sdk.options import Options
from momentum_sdk.outbox import Outbox
from momentum_sdk.sender import Sender
from momentum_sdk.wire import Answer

N_EVENTS = 1_000
EVENT = b"x" * 220


class Proxy:
    """Lets requests through up to a size; waits cost no time, but are kept."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.posts: list[int] = []
        self.waits: list[float] = []
        self.outbox = Outbox(N_EVENTS, N_EVENTS, 0)
        self.sender = Sender(self.outbox, None, Options(), Notices())  # type: ignore[arg-type]
        self.sender._post = self._post  # type: ignore[method-assign]
        self.outbox.wait_to_retry = self._wait  # type: ignore[method-assign]

    def _post(self, batch: list[bytes]) -> Answer:
        self.posts.append(len(batch))
        if sum(map(len, batch)) > self.limit:
            return Answer(413, {}, b"")
        return Answer(202, {}, b'{"accepted": 1, "refused": []}')

    def _wait(self, pause, _hurry_from: int) -> bool:
        self.waits.append(pause.wait_s)
        return True

    def deliver(self, events: list[bytes]) -> int:
        """Send a batch; how many requests it took."""
        self.posts.clear()
        for event in events:
            self.outbox.put(event)
        assert self.sender._deliver(self.outbox.take()) is True
        return len(self.posts)


@pytest.mark.parametrize("limit", [100_000, 20_000, 5_000, 1_500, 300])
def test_sender__proxy_with_a_small_limit__no_batch_waits_and_few_requests_are_in_vain(
    limit,
) -> None:
    proxy = Proxy(limit)

    n_posts = [proxy.deliver([EVENT] * N_EVENTS) for _ in range(20)]

    assert proxy.waits == []
    assert proxy.outbox.counts().delivered == 20 * N_EVENTS
    n_least = -(-N_EVENTS // (limit // len(EVENT)))
    assert max(n_posts[1:]) <= 1.3 * n_least + 3


def test_sender__proxy_whose_limit_is_lifted__sends_whole_batches_again() -> None:
    proxy = Proxy(5_000)
    proxy.deliver([EVENT] * N_EVENTS)
    proxy.limit = 10**9

    n_posts = [proxy.deliver([EVENT] * N_EVENTS) for _ in range(40)]

    assert n_posts[-1] == 1


def test_sender__proxy_whose_limit_is_lowered__learns_it_anew() -> None:
    proxy = Proxy(20_000)
    proxy.deliver([EVENT] * N_EVENTS)
    proxy.limit = 5_000

    proxy.deliver([EVENT] * N_EVENTS)

    assert proxy.waits == []
    assert proxy.outbox.counts().delivered == 2 * N_EVENTS


def test_sender__one_event_beyond_the_limit__does_not_send_the_others_one_by_one() -> None:
    proxy = Proxy(20_000)

    n_posts = proxy.deliver([b"x" * 30_000] + [EVENT] * (N_EVENTS - 1))

    assert (proxy.outbox.counts().delivered, proxy.outbox.counts().refused) == (N_EVENTS - 1, 1)
    assert n_posts <= 40


@pytest.mark.parametrize("limit_before", [0, 5_000])
def test_sender__everything_is_too_large__is_no_hot_loop(limit_before) -> None:
    proxy = Proxy(limit_before)
    proxy.deliver([EVENT] * (N_EVENTS if limit_before else 1))
    proxy.limit = 0
    proxy.waits.clear()

    proxy.deliver([EVENT] * N_EVENTS)

    assert len(proxy.waits) > 900
    assert max(proxy.waits) > 10, "ever longer, as after a 503"


@given(st.lists(st.binary(max_size=9), min_size=1), st.integers(0, 50))
def test_cut__any_items__keeps_all_and_is_no_larger_than_asked(items, most_bytes) -> None:
    first, others = cut(items, most_bytes)

    assert first + others == items
    assert first
    assert len(first) == 1 or sum(map(len, first)) + len(first) <= most_bytes


def test_fit__nothing_was_too_large__knows_no_limit() -> None:
    fit = Fit()
    fit.learn(500, 202)
    fit.learn(9_000, 202)

    assert fit.most_bytes == float("inf")

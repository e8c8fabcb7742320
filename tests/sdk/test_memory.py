"""K-08 in short: an outage costs a bounded amount of memory, and every event is accounted for."""

import json
from pathlib import Path

import pytest
from momentum_sdk.outbox import MOST_BYTES

from tests.sdk.test_processes import host

MIB = 1024 * 1024
QUEUE_SIZE = 10_000
LEAST_GROWN = 4 * MIB  # the queue alone holds more: a measurement that says less is blind
# The peak of this process alone: ru_maxrss begins with that of the process that started it.
OUTAGE = """
import json
def memory_kib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
assert momentum.ready(0.1) is False
before_kib = memory_kib()
for number in range({n}):
    momentum.track("login", f"l{{number}}", properties={{"text": f"{{number}}" + "x" * {size}}})
outage = momentum.counts()
grown_kib = memory_kib() - before_kib
for wire in momentum._runtime._wires:
    wire._port = {port}
is_done = momentum.flush(60)
after = momentum.counts()
print(json.dumps([is_done, grown_kib, *[
    [one.handed, one.delivered, one.refused, one.dropped, one.waiting] for one in (outage, after)
]]))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
@pytest.mark.parametrize(
    ("n", "size", "most_bytes"),
    [(200_000, 900, 64 * MIB), (10_000, 30_000, MOST_BYTES + 32 * MIB)],
    ids=["many events", "large events"],
)
def test_outage__more_events_than_fit__memory_is_bounded_and_counts_are_exact(
    server, n, size, most_bytes
) -> None:
    """Without a limit, the one would hold 200 MB and the other 300 MB."""
    port = int(server.url.rsplit(":", 1)[1])
    code = OUTAGE.format(n=n, size=size, port=port)

    result = host("http://127.0.0.1:9", code, flush_interval_s=1, queue_size=QUEUE_SIZE)

    assert result.returncode == 0, result.stderr
    is_done, grown_kib, outage, after = json.loads(result.stdout)
    handed, delivered, refused, dropped, waiting = outage
    assert LEAST_GROWN < grown_kib * 1024 < most_bytes
    assert (handed, delivered, refused) == (n, 0, 0)
    assert dropped + waiting == n
    assert 0 < waiting <= QUEUE_SIZE + 500, "the queue, and a batch on its way"
    assert waiting * size <= MOST_BYTES + 2 * MIB
    assert is_done is True
    assert after == [n, waiting, 0, dropped, 0]
    assert len(server.of_type("event")) == waiting
    assert 1 <= result.stderr.count("events are dropped") <= 5, "a line a minute, not one for each"

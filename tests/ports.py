"""Ports for servers that tests start."""

import random
import socket

# Below the range from which systems take the ports of outgoing connections: a port that is free
# now is not lent to anybody's request before the server has it.
FIRST, LAST = 12_000, 32_000
_dice = random.SystemRandom()


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    while True:
        port = _dice.randrange(FIRST, LAST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port

"""An outside name that may be longer than a column of the lake."""

from hashlib import blake2b

from experiment_server.ingest.values import MAX_TEXT


def shortened(name: str) -> str:
    """The name within the length of a column; a long one ends in its digest, so it stays its own.

    >>> shortened("https://example.org/quiz/7")
    'https://example.org/quiz/7'
    """
    if len(name) <= MAX_TEXT:
        return name
    return name[: MAX_TEXT - 17] + "~" + blake2b(name.encode(), digest_size=8).hexdigest()

"""Keys of the ledger: one for each id, and neighbours for ids that are numbered."""

from experiment_server.ingest.ledger import KEY_BYTES, event_key


def test_event_key__of_ids_of_any_length__has_sixteen_bytes_and_is_its_own():
    ids = ["a", "ab", "abc", "abd", "学", "学习", "e" * 128, "e" * 127, *map(str, range(5_000))]

    keys = {event_key(event_id) for event_id in ids}

    assert len(keys) == len(ids)
    assert {len(key) for key in keys} == {KEY_BYTES}


def test_event_key__of_ids_that_are_numbered__lie_side_by_side():
    ours = [event_key(f"0f3c5d-{number:x}") for number in range(0x100, 0x200)]
    others = [event_key(f"a7713e-{number:x}") for number in range(0x100, 0x900)]

    ordered = sorted(ours + others)

    first = ordered.index(min(ours))
    assert sorted(ours) == ordered[first : first + len(ours)]

import pytest

from experiment_server.problems import Problem
from experiment_server.strict_json import MAX_DEPTH, loads


@pytest.mark.parametrize(
    "raw",
    [
        b'"a\\u0000b"',
        b'{"a\\u0000": 1}',
        b"9007199254740993",
        b"-9007199254740993",
        b"1e16",
        b"NaN",
        b'"\\udc00"',
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b'"' + b"x" * 100_001 + b'"',
    ],
)
def test_json__that_a_database_cannot_hold__is_a_400(raw):
    with pytest.raises(Problem) as caught:
        loads(raw)

    assert caught.value.status == 400
    assert caught.value.errors[0].field == "body"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"9007199254740992", 2**53),
        (b"1e15", 1e15),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
    ],
)
def test_json__at_the_limit__is_read(raw, value):
    found = loads(raw)

    assert value is None or found == value

"""What an xAPI request says: its version, its statements, strictly."""

import json
import re
from collections import Counter
from typing import Any, Final

from experiment_server.problems import FieldError, Problem
from experiment_server.statements.grammar import Grammar
from experiment_server.statements.values import InvalidStatement
from experiment_server.strict_json import dumps, loads

VERSION_HEADER: Final = "X-Experience-API-Version"
VERSIONS: Final = ("1.0.0", "1.0.1", "1.0.2", "1.0.3", "2.0.0")
ONE: Final = "1.0.3"  # the latest patch: what answers name
TWO: Final = "2.0.0"
MAX_STATEMENTS: Final = 1_000
MAX_BYTES: Final = 262_144  # of one statement: a page of them has to fit into memory
_GRAMMARS: Final = {ONE: Grammar("1.0"), TWO: Grammar("2.0")}
_ANSWERED: Final = {
    ONE: re.compile(r"1\.0(?:\.\d{1,4})?"),
    TWO: re.compile(r"2\.0(?:\.\d{1,4})?"),
}


def answered_version(header: str | None) -> str | None:
    """The version that a request with this header is answered by; None: we do not speak it."""
    for version, pattern in _ANSWERED.items():
        if header is not None and pattern.fullmatch(header.strip()):
            return version
    return None


def require_version(header: str | None) -> str:
    """The version of a request.

    Raises:
        Problem: 400, when it names none, or one that we do not speak.
    """
    version = answered_version(header)
    if version is None:
        found = "none" if header is None else repr(header[:20])
        expected = f"1.0, 1.0.x or 2.0.x, such as {VERSION_HEADER}: 1.0.3"
        raise _refusal(VERSION_HEADER, found, expected)
    return version


def check_media_type(media_type: str) -> None:
    """Make sure that a body is JSON.

    Raises:
        Problem: 400 (XAPI-00127), with a word on attachments when it is multipart.
    """
    if media_type == "multipart/mixed":
        raise _refusal(
            "Content-Type",
            media_type,
            "application/json: attachment data is not taken here. Keep the file elsewhere and "
            "send its address as the attachment's fileUrl",
        )
    if media_type != "application/json":
        raise _refusal("Content-Type", repr(media_type[:60]), "application/json")


def parse_statements(raw: bytes, version: str, *, single: bool) -> list[dict[str, Any]]:
    """The statements of a body, checked; one bad statement refuses them all.

    Raises:
        Problem: 400, naming the statement and the property; 413, for too many of them.
    """
    value = loads(raw)
    _refuse_repeated_keys(raw)
    if single or not isinstance(value, list):
        statements = [value]
    elif not value:
        raise _refusal("body", "an empty array", "one statement at least")
    else:
        statements = value
    if len(statements) > MAX_STATEMENTS:
        raise Problem(413, f"Send at most {MAX_STATEMENTS:,} statements at once.")
    for index, statement in enumerate(statements):
        path = "statement" if statements is not value else f"statements[{index}]"
        _check(statement, path, version)
        if len(dumps(statement)) > MAX_BYTES:
            raise Problem(413, f"{path} is larger than {MAX_BYTES:,} bytes. Send ids, not files.")
    _refuse_repeated_ids(statements)
    return statements


def _check(statement: Any, path: str, version: str) -> None:
    try:
        _GRAMMARS[version].check(statement, path)
    except InvalidStatement as invalid:
        refusal = _refusal(invalid.path, invalid.found, invalid.expected)
        if type(statement) is dict and type(statement.get("id")) is str:
            refusal.extra["statement_id"] = statement["id"][:36]
        raise refusal from None


def _refuse_repeated_ids(statements: list[dict[str, Any]]) -> None:
    ids = [statement["id"].lower() for statement in statements if "id" in statement]
    if len(set(ids)) < len(ids):
        raise _refusal("statements", "the same id twice", "a different id in each statement")


def _refuse_repeated_keys(raw: bytes) -> None:
    """XAPI-00021. The body is known to be JSON of little depth."""

    def pairs(found: list[tuple[str, Any]]) -> None:
        names = Counter(name for name, _value in found)
        if len(names) < len(found):
            # One pass: of a hostile object with many keys, counting each would take hours.
            twice = max(names, key=names.__getitem__)
            raise _refusal("body", f"the key {twice[:60]!a} twice in one object", "each key once")

    json.loads(raw, object_pairs_hook=pairs)


def _refusal(field: str, found: str, expected: str) -> Problem:
    remedy = "Nothing of this request was stored. Mend it and send it again."
    error = FieldError(field, found, expected, remedy)
    return Problem(400, f"{field}: found {found}, expected {expected}. {remedy}", [error])

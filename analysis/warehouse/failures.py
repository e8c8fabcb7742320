"""What may be said of a warehouse's failure. Pure.

A driver's own words may hold values of rows, or parts of an address. They are passed on only where
they are about the query itself: its syntax, and the tables, columns and functions that it names.
"""

from typing import Final

LONGEST: Final = 200  # characters of a warehouse's own words
_ABOUT_THE_QUERY: Final = frozenset({"BinderException", "CatalogException", "ParserException"})
_SQLSTATE_ABOUT_THE_QUERY: Final = "42"  # syntax error or access rule violation
_CANCELLED: Final = frozenset({"InterruptException", "QueryCanceled"})
_OF_OURS: Final = frozenset({"ibis", "sqlglot"})  # they know the query, and no row
_REASONS: Final = {
    "ConversionException": "a value does not fit the type that the query makes of it",
    "OutOfMemoryException": "it needs more memory than there is",
    "OutOfRangeException": "a number is too large",
}
_STATE_REASONS: Final = {
    "08": "the connection broke",
    "22": "a value does not fit what the query makes of it",
    "40": "another transaction was in the way",
    "53": "it has no memory, disk or connections left",
    "57": "it was shut down or told to stop",
}


def is_cancelled(error: BaseException) -> bool:
    """Whether a query was stopped because its time was up."""
    return type(_first(error)).__name__ in _CANCELLED


def _first(error: BaseException) -> BaseException:
    """What failed first: Ibis goes on to close a cursor that PostgreSQL closed with the query."""
    if type(error).__name__ == "InvalidCursorName" and error.__context__:
        return error.__context__
    return error


def gist(error: BaseException) -> str:
    """What went wrong, in one short line that holds no row and no part of an address."""
    error = _first(error)
    kind, state = type(error).__name__, str(getattr(error, "sqlstate", None) or "")
    if is_cancelled(error):
        return "the query took too long"
    if _is_about_the_query(error, state):
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        text = lines[0] if lines else kind
        return text if len(text) <= LONGEST else text[:LONGEST] + "..."
    reason = _REASONS.get(kind) or _STATE_REASONS.get(state[:2]) or "it does not do this"
    named = f"{kind}, {state}" if state else kind
    return f"{reason} ({named}; its own words may hold rows, so they are not shown)"


def _is_about_the_query(error: BaseException, state: str) -> bool:
    module = type(error).__module__.partition(".")[0]
    if module in ("duckdb", "_duckdb"):
        return type(error).__name__ in _ABOUT_THE_QUERY
    return module in _OF_OURS or state.startswith(_SQLSTATE_ABOUT_THE_QUERY)

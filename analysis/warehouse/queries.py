"""Queries of a mapping: single SELECTs, and nothing that reaches beyond the warehouse's tables."""

from typing import Any, Final

import sqlglot
from sqlglot import expressions as sge
from sqlglot.errors import SqlglotError

DIALECTS: Final = {
    "bigquery": "bigquery",
    "databricks": "databricks",
    "duckdb": "duckdb",
    "postgres": "postgres",
    "postgresql": "postgres",
    "snowflake": "snowflake",
    "trino": "trino",
}
"""Schemes of addresses, and what their queries are written in."""

_CHANGES: Final = (
    sge.Insert, sge.Update, sge.Delete, sge.Merge, sge.Create, sge.Drop, sge.Alter,
    sge.TruncateTable, sge.Command, sge.Set, sge.Pragma, sge.Copy, sge.Attach, sge.Detach,
    sge.Use, sge.Grant, sge.Into, sge.Lock,
)  # fmt: skip

_REFUSED_STARTS: Final = (
    "pg_", "lo_", "dblink", "query_to", "table_to", "schema_to", "database_to", "cursor_to",
    "read_", "parquet_", "sqlite_", "postgres_", "mysql_", "iceberg_", "delta_", "duckdb_",
)  # fmt: skip
_REFUSED: Final = frozenset(
    {"set_config", "current_setting", "nextval", "setval", "getenv", "getvariable", "glob"}
    | {"sniff_csv", "query", "query_table", "load_extension", "readfile", "writefile"}
    | {"external_query", "system$wait", "txid_current"}
)
"""Functions that read files or settings, open other connections, wait, or change something."""


def refusal(query: str, scheme: str) -> str:
    """Why a query may not be run, as the end of a sentence; empty: it may.

    Args:
        query: as the mapping has it.
        scheme: of the warehouse's address.
    """
    try:
        parsed = sqlglot.parse(query, read=DIALECTS.get(scheme, "duckdb"))
    except (SqlglotError, RecursionError):
        return "it cannot be read as SQL of this warehouse"
    statements = [each for each in parsed if each is not None]
    if len(statements) != 1:
        return f"it has {len(statements)} statements"
    only = statements[0]
    if not isinstance(only, sge.Query):
        return f"it is a statement of the kind {only.key.upper()}"
    for node in only.walk():
        if isinstance(node, _CHANGES):
            return f"it holds {node.key.upper()}"
        name = _function(node)
        if name.startswith(_REFUSED_STARTS) or name in _REFUSED:
            return f"it calls {name}, which reaches beyond the warehouse's tables"
    return ""


def _function(node: Any) -> str:
    """The name of the function that a node calls, in small letters; empty: it calls none."""
    if isinstance(node, sge.Anonymous):
        return str(node.name).lower()
    name: Any = node.sql_name if isinstance(node, sge.Func) else str
    return str(name()).lower()

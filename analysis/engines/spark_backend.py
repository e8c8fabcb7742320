"""Ibis' backend for Spark, with what our queries need and it lacks."""

import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import pyarrow as pa
import sqlglot.expressions as sge
from ibis.backends.pyspark import Backend as PySparkBackend
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from ibis.expr import types as ir
from ibis.formats.pyarrow import PyArrowData
from pyspark.sql import SparkSession

# Functions of ``analysis.engines.functions``, named as DuckDB names them -> Spark's name.
_NAMES: Final = {"epoch_us": "unix_micros"}
_WIDE: Final = dt.Decimal(19, 0)


@dataclass(frozen=True)
class View:
    """A temporary view of a session that stands for a table of the lake."""

    name: str
    schema: pa.Schema


class _Compiler(PySparkCompiler):  # type: ignore[misc]
    """Spark's SQL of an expression."""

    __slots__ = ()

    SIMPLE_OPS: ClassVar[dict[Any, str]] = {ops.BitOr: "bit_or"}

    def __sql_name__(self, op: Any) -> str:
        name = str(super().__sql_name__(op))
        return _NAMES.get(name, name)

    def visit_NonNullLiteral(self, op: Any, *, value: Any, dtype: Any) -> Any:  # noqa: N802
        found = super().visit_NonNullLiteral(op, value=value, dtype=dtype)
        if not dtype.is_floating():
            return found
        # Spark reads 9.0 as a decimal, and what is divided by one loses all beyond six places.
        return self.cast(sge.convert(value) if found is None else found, dtype)

    def visit_Sum(self, op: Any, *, arg: Any, where: Any) -> Any:  # noqa: N802 - Ibis' name
        if op.arg.dtype.is_int64():
            # As wide as DuckDB's: two amounts at the bound of ``exact_sum`` overflow 64 bits.
            return self.agg.sum(self.cast(arg, _WIDE), where=where)
        return super().visit_Sum(op, arg=arg, where=where)


class Backend(PySparkBackend):  # type: ignore[misc]
    """A session in which tables have the names that the lake gives them."""

    compiler = _Compiler()
    _views: Mapping[str, View] = MappingProxyType({})

    @classmethod
    def over(cls, session: SparkSession, views: Mapping[str, View]) -> "Backend":
        """A backend on a session.

        Args:
            session: it is shared, and outlives the backend.
            views: by table name; the session's views are dropped when the backend is forgotten.
        """
        cls.register_options()
        backend = cls()
        backend.do_connect(session)
        backend._views = dict(views)
        weakref.finalize(backend, _drop, session, tuple(view.name for view in views.values()))
        return backend

    def table(self, name: str, /, *, database: Any = None) -> ir.Table:
        """A table of the lake, or any other that the session knows."""
        if name not in self._views:
            return super().table(name, database=database)
        view = self._views[name]
        # The types are the lake's own: Spark would not say of a time that it has a zone.
        return ops.DatabaseTable(
            view.name, schema=ibis.schema(view.schema), source=self, namespace=ops.Namespace()
        ).to_expr()

    def to_pyarrow(
        self, expr: ir.Expr, /, *, params: Any = None, limit: Any = None, **kwargs: Any
    ) -> pa.Table:
        """The result, without a detour over pandas: there, integers beside a gap become floats."""
        self._run_pre_execute_hooks(expr)
        table = expr.as_table()
        sql = self.compile(table, params=params, limit=limit, **kwargs)
        found = self._session.sql(sql).toArrow()
        return expr.__pyarrow_result__(PyArrowData.convert_table(found, table.schema()))


def _drop(session: SparkSession, views: tuple[str, ...]) -> None:
    for view in views:
        session.catalog.dropTempView(view)

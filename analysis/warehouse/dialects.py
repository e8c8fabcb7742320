"""What the pass asks of an engine, said in each warehouse's own words.

The pass is written for the default engine. Where a warehouse has another word for a function, or no
operator for a pair of types, its compiler says it differently; the pass itself stays as it is.
"""

from typing import Any, Final

import ibis.expr.datatypes as dt
import sqlglot.expressions as sge
from ibis.backends import BaseBackend
from ibis.backends.sql.compilers.postgres import PostgresCompiler


class _Postgres(PostgresCompiler):  # type: ignore[misc]
    """PostgreSQL: shifts take a small integer on the right, and bits are counted of bit strings."""

    def visit_ScalarUDF(self, op: Any, **kw: Any) -> Any:  # noqa: N802  (Ibis names its visitors so)
        name = self.__sql_name__(op)
        if name in _POSTGRES_FUNCTIONS:
            (argument,) = kw.values()
            return getattr(self, _POSTGRES_FUNCTIONS[name])(argument)
        return super().visit_ScalarUDF(op, **kw)

    def _epoch_us(self, at: Any) -> Any:
        # numeric, so every microsecond is exact
        return self.cast(self.f.extract("epoch", at) * 1_000_000, dt.int64)

    def _bit_count(self, bits: Any) -> Any:
        wide = sge.Cast(this=bits, to=sge.DataType.build("BIT(64)", dialect="postgres"))
        return self.f.anon.bit_count(wide)

    def visit_BitwiseRightShift(self, _op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802
        return sge.BitwiseRightShift(
            this=self.cast(left, dt.int64), expression=self.cast(right, dt.int32)
        )

    def visit_BitwiseLeftShift(self, _op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802
        return sge.BitwiseLeftShift(
            this=self.cast(left, dt.int64), expression=self.cast(right, dt.int32)
        )

    def visit_Cast(self, op: Any, *, arg: Any, to: Any) -> Any:  # noqa: N802
        if op.arg.dtype.is_boolean() and to.is_numeric():
            return self.cast(self.cast(arg, dt.int32), to)
        return super().visit_Cast(op, arg=arg, to=to)


_POSTGRES_FUNCTIONS: Final = {"epoch_us": "_epoch_us", "bit_count": "_bit_count"}
_COMPILERS: Final = {"postgres": _Postgres}
NATIVE: Final = ("duckdb",)
"""Warehouses that the pass is written for as it is."""

TESTED: Final = (*NATIVE, *_COMPILERS)
"""Warehouses whose readouts are tested to be those of the lake."""


def speak(backend: BaseBackend) -> None:
    """Let a connection compile the pass in its warehouse's words."""
    compiler = _COMPILERS.get(backend.name)
    if compiler is not None:
        backend.compiler = compiler()

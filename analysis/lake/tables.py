"""Where a table lies and how its Delta table is opened."""

from pathlib import Path
from typing import Final

import pyarrow as pa
from deltalake import ColumnProperties, DeltaTable, WriterProperties
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from analysis.lake.schema import DAY, LAYOUTS, TABLES
from analysis.storage import is_local, options_for

KEEP_DAYS: Final = 400
"""A readout names the lake version it was computed from; for so long it can be computed again."""
REPLACED_DAYS: Final = 7
"""So long a version that no readout names can be opened: by readers who have it open, and by
roll-ups that read only what came since."""

# Delta reads a folder as part of a URL, the engine as a pattern of file names.
_UNFIT: Final = tuple("[]^|%*?\\")

STATISTICS: Final = "delta.dataSkippingStatsColumns"


def configuration(table_name: str) -> dict[str, str]:
    """A table's Delta properties.

    Its log keeps the smallest and largest value of each file for times alone: the log outlives the
    files, so it must not name learners, nor show what hosts put into ids and properties. Engines
    find the same in the files themselves.
    """
    times = [field.name for field in TABLES[table_name] if pa.types.is_timestamp(field.type)]
    return {
        "delta.logRetentionDuration": f"interval {KEEP_DAYS} days",
        "delta.deletedFileRetentionDuration": f"interval {KEEP_DAYS} days",
        STATISTICS: ",".join(times),
    }


def table_address(root: str | Path, table_name: str) -> str:
    """The folder or object-store prefix of a table.

    Raises:
        ValueError: the lake has no such table, or its folder's name cannot be used.
    """
    if table_name not in TABLES:
        raise ValueError(f"table: found {table_name!r}, expected one of {', '.join(TABLES)}")
    found = [sign for sign in _UNFIT if sign in str(root)]
    if found:
        raise ValueError(
            f"lake folder: {root} contains {found[0]!r}, which Delta or the engine would read "
            "as something else; choose a folder without any of " + " ".join(_UNFIT)
        )
    return (
        str(Path(root) / table_name) if is_local(root) else f"{str(root).rstrip('/')}/{table_name}"
    )


def local_folder(root: str | Path, table_name: str) -> Path | None:
    """The folder of a table, or None when the lake lies in an object store."""
    return Path(table_address(root, table_name)) if is_local(root) else None


def data_files(table: DeltaTable, root: str | Path, table_name: str) -> tuple[str, ...]:
    """The Parquet files that hold the table at its version, as an engine can open them."""
    # Delta writes a folder's name as part of a URL ("my%20lake"); engines want the name itself.
    folder = local_folder(root, table_name)
    place = table_address(root, table_name) if folder is None else str(folder.absolute())
    depth = 1 + len(table.metadata().partition_columns)
    return tuple("/".join((place, *uri.split("/")[-depth:])) for uri in table.file_uris())


def open_table(root: str | Path, table_name: str, version: int | None = None) -> DeltaTable | None:
    """The Delta table at a version (the latest when None), or None when nothing was written yet."""
    try:
        address = table_address(root, table_name)
        return DeltaTable(address, version=version, storage_options=options_for(root))
    except TableNotFoundError:
        return None


def open_or_create(root: str | Path, table_name: str) -> DeltaTable:
    """The Delta table at its latest version, made when it does not exist yet."""
    table = open_table(root, table_name)
    if table is not None:
        return table
    address = table_address(root, table_name)
    if is_local(root):
        Path(address).mkdir(parents=True, exist_ok=True)
    try:
        DeltaTable.create(
            address,
            schema=TABLES[table_name],
            mode="ignore",
            partition_by=[DAY] if LAYOUTS[table_name].by_day else None,
            configuration=configuration(table_name),
            storage_options=options_for(root),
        )
    except CommitFailedError:
        # Another writer created it between the look and the creation: then it is there now.
        created = open_table(root, table_name)
        if created is None:
            raise
        return created
    return DeltaTable(address, storage_options=options_for(root))


def writer_properties(schema: pa.Schema) -> WriterProperties:
    """How Parquet files are written: small, at a speed that sealing can afford.

    Ids differ in every row, so neither a dictionary nor the smallest and largest of them help. Of
    times, differences are kept.
    """
    columns = {}
    for field in schema:
        if field.name == "event_id":
            columns[field.name] = ColumnProperties(
                dictionary_enabled=False,
                statistics_enabled="NONE",
                encoding="DELTA_LENGTH_BYTE_ARRAY",
            )
        elif pa.types.is_timestamp(field.type):
            columns[field.name] = ColumnProperties(
                dictionary_enabled=False, encoding="DELTA_BINARY_PACKED"
            )
    return WriterProperties(compression="ZSTD", compression_level=3, column_properties=columns)

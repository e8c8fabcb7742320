"""DuckDB over object stores.

S3 is read by DuckDB itself, with its ``httpfs`` extension: from the Python package of that name
(``duckdb-extension-httpfs``), or as somebody installed it; nothing is fetched. DuckDB needs keys to
sign with. Everywhere else, and where S3 grants access by the machine's role, the files are read
through Delta's own library, which knows every address that the lake can have.
"""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.dataset as ds

from analysis.storage import S3_SCHEMES, is_local, open_files, options_for, s3_setting, scheme_of

if TYPE_CHECKING:
    # Never loaded before a query needs it: a server that forks its workers with DuckDB in it
    # has workers that abort when they end.
    import duckdb

_EXTENSION: Final = "duckdb_extension_httpfs"


def reads_itself(connection: "duckdb.DuckDBPyConnection", paths: Sequence[str]) -> bool:
    """Whether DuckDB can open these files of one table; made ready to when it can."""
    if all(is_local(path) for path in paths):
        return True
    folder = folder_of(paths)
    if scheme_of(folder) not in S3_SCHEMES or not _load_httpfs(connection):
        return False
    secret = _secret(folder)
    if secret:
        connection.execute(secret)
    return bool(secret)


def folder_of(paths: Sequence[str]) -> str:
    """The folder of a table that these files are of, whether it has folders of days or not."""
    return paths[0].rpartition("/")[0].partition("/day=")[0]


def open_dataset(paths: Sequence[str], schema: pa.Schema) -> ds.Dataset:
    """The files as a dataset that DuckDB can query; a column that a file lacks is null there."""
    folder = folder_of(paths)
    return ds.dataset(
        [path.removeprefix(f"{folder}/") for path in paths],
        schema=pa.schema([field.with_nullable(True) for field in schema]),
        filesystem=open_files(folder),
        format="parquet",
        partitioning="hive",
    )


def _load_httpfs(connection: "duckdb.DuckDBPyConnection") -> bool:
    import duckdb

    packaged = _packaged_extension()
    for name in (packaged, "httpfs"):
        try:
            connection.execute(f"LOAD {_quoted(name)}")
        except duckdb.Error:
            continue
        return True
    return False


@cache
def _packaged_extension() -> str:
    """The file that the Python package carries for this DuckDB; one that is not there otherwise."""
    import duckdb

    found = find_spec(_EXTENSION)
    folder = Path(found.origin).parent if found and found.origin else Path(_EXTENSION)
    version = f"v{duckdb.__version__}"
    return str(folder / "extensions" / version / "httpfs.duckdb_extension")


def _secret(folder: str) -> str:
    """SQL that tells DuckDB the keys for a table's folder; "": there are none to tell."""
    options: Any = options_for(folder)
    key = s3_setting(options, "AWS_ACCESS_KEY_ID")
    secret = s3_setting(options, "AWS_SECRET_ACCESS_KEY")
    if not (key and secret):
        return ""
    given = {"TYPE": "s3", "KEY_ID": _quoted(key), "SECRET": _quoted(secret)}
    given["SCOPE"] = _quoted(folder)
    region = s3_setting(options, "AWS_REGION", "AWS_DEFAULT_REGION") or "us-east-1"
    given["REGION"] = _quoted(region)
    token = s3_setting(options, "AWS_SESSION_TOKEN")
    if token:
        given["SESSION_TOKEN"] = _quoted(token)
    endpoint = s3_setting(options, "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT")
    if endpoint:
        parts = urlsplit(endpoint)
        given["ENDPOINT"] = _quoted(parts.netloc + parts.path.rstrip("/"))
        given["USE_SSL"] = "false" if parts.scheme == "http" else "true"
    virtual = s3_setting(options, "AWS_VIRTUAL_HOSTED_STYLE_REQUEST").lower() == "true"
    if endpoint and not virtual:
        given["URL_STYLE"] = "'path'"
    said = ", ".join(f"{name} {value}" for name, value in given.items())
    return f"CREATE OR REPLACE SECRET {_secret_name(folder)} ({said})"


def _secret_name(folder: str) -> str:
    return '"momentum ' + folder.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

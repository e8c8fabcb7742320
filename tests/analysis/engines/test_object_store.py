"""What DuckDB is told of an object store. Whether it then can read it: tests/end_to_end."""

import duckdb
import pytest

from analysis import storage
from analysis.engines.object_store import folder_of, reads_itself

FILES = ["s3://bucket/lake/events/day=2026-03-02/part-0.parquet"]
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "it's secret"}


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch):
    monkeypatch.setattr(storage, "_declared", {})
    for name in (*KEYS, "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


def told(options):
    """DuckDB's own account of what it was told: scope, and settings as text."""
    storage.declare("s3://bucket", options)
    connection = duckdb.connect()
    assert reads_itself(connection, FILES)
    [(scope, settings)] = connection.execute(
        "SELECT scope, secret_string FROM duckdb_secrets()"
    ).fetchall()
    return scope, dict(part.split("=", 1) for part in settings.split(";"))


def test_reads_itself__keys_of_amazon__names_region_and_only_the_tables_folder():
    scope, settings = told({**KEYS, "AWS_REGION": "eu-west-1", "AWS_SESSION_TOKEN": "token"})

    assert scope == ["s3://bucket/lake/events"]
    assert (settings["key_id"], settings["region"]) == ("key", "eu-west-1")
    assert {settings["secret"], settings["session_token"]} == {"redacted"}
    assert "endpoint" not in settings or "amazonaws" in settings["endpoint"]


@pytest.mark.parametrize(
    ("options", "use_ssl", "style"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9000"}, "false", "path"),
        ({"AWS_ENDPOINT_URL": "https://127.0.0.1:9000/"}, "true", "path"),
    ],
)
def test_reads_itself__another_store__has_its_endpoint(options, use_ssl, style):
    _scope, settings = told({**KEYS, **options})

    assert settings["endpoint"] == "127.0.0.1:9000"
    assert (settings["use_ssl"], settings["url_style"]) == (use_ssl, style)


def test_reads_itself__keys_in_the_environment__are_found(monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)

    _scope, settings = told({})

    assert (settings["key_id"], settings["region"]) == ("key", "us-east-1")


@pytest.mark.parametrize("folder", ["s3://bucket/lake", "gs://bucket/lake", "abfss://a@b/lake"])
def test_reads_itself__no_keys_or_another_store__leaves_it_to_deltas_library(folder):
    assert not reads_itself(duckdb.connect(), [f"{folder}/learners/part-0.parquet"])


def test_folder_of__files_of_days_or_none__is_the_tables_own():
    assert folder_of(FILES) == "s3://bucket/lake/events"
    assert folder_of(["s3://bucket/lake/learners/part-0.parquet"]) == "s3://bucket/lake/learners"

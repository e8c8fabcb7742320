import pytest

from analysis import storage


@pytest.fixture(autouse=True)
def _forgetful(monkeypatch):
    monkeypatch.setattr(storage, "_declared", {})
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def test_options_for__a_folder__are_none(tmp_path):
    storage.declare(tmp_path, {"AWS_REGION": "here"})

    assert storage.options_for(tmp_path) is None


def test_options_for__below_what_was_declared__are_those_of_the_nearest():
    storage.declare("gs://all", {"Project": "one"})
    storage.declare("gs://all/lake/", {"project": "two"})

    assert storage.options_for("gs://all/lake/production/events") == {"PROJECT": "two"}
    assert storage.options_for("gs://all/lakeside") == {"PROJECT": "one"}
    assert storage.options_for("gs://other/lake") == {}


def test_options_for__s3__commit_by_conditional_put():
    storage.declare("s3://bucket", {"AWS_REGION": "eu-west-1"})
    storage.declare("s3://table", {"aws_conditional_put": "dynamo:locks"})

    assert storage.options_for("s3://bucket/a") == {
        "AWS_REGION": "eu-west-1",
        "AWS_CONDITIONAL_PUT": "etag",
    }
    assert storage.options_for("s3://table") == {"AWS_CONDITIONAL_PUT": "dynamo:locks"}


def test_options_for__an_endpoint_without_tls__is_allowed_where_it_is_named(monkeypatch):
    storage.declare("s3://declared", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9000"})
    storage.declare("s3://plain", {})

    assert storage.options_for("s3://declared")["AWS_ALLOW_HTTP"] == "true"
    assert "AWS_ALLOW_HTTP" not in storage.options_for("s3://plain")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")
    assert storage.options_for("s3://plain")["AWS_ALLOW_HTTP"] == "true"


def test_open_files__a_folder__is_written_and_read(tmp_path):
    files = storage.open_files(tmp_path)

    with files.open_output_stream("note") as stream:
        stream.write(b"hello")

    assert files.open_input_stream("note").read() == b"hello"

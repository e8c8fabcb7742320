"""A real S3 server for the tests: SeaweedFS from its wheel, private, on free ports."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow.fs as pa_fs

from tests.ports import free_port

PATIENCE_S = 60
SOCKETS = Path("/tmp")  # where its parts leave theirs, each named after a port
KEY, SECRET = "AKIATESTONLY", "not-a-secret-of-anybody"


@dataclass(frozen=True)
class Store:
    """A bucket, and what opens it."""

    endpoint: str  # http://127.0.0.1:port
    bucket: str

    @property
    def url(self) -> str:
        """The bucket's address."""
        return f"s3://{self.bucket}"

    @property
    def options(self) -> dict[str, str]:
        """What MOMENTUM_LAKE_OPTIONS or the environment would say."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }


def program() -> Path | None:
    """SeaweedFS's program; None: its wheel has none for this machine."""
    beside = Path(sys.executable).with_name("weed")
    found = beside if beside.exists() else shutil.which("weed")
    return Path(found) if found else None


@contextmanager
def store(weed: Path, bucket: str = "lake") -> Iterator[Store]:
    """Start a server, yield a bucket of its own, end it, remove it."""
    folder = Path(tempfile.mkdtemp(prefix="momentum-s3-"))
    ports = _ports(("s3", "master", "volume", "filer"))
    config = folder / "s3.json"
    credentials = [{"accessKey": KEY, "secretKey": SECRET}]
    identity = {"name": "momentum", "credentials": credentials, "actions": ["Admin"]}
    config.write_text(json.dumps({"identities": [identity]}))
    command = [
        str(weed), "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer",
        "-s3", f"-s3.config={config}", "-s3.port.iceberg=0", "-s3.port.lance=0",
        "-master.volumeSizeLimitMB=64", "-master.telemetry=false", "-volume.max=20",
        *(f"-{part}={port}" for part, port in ports.items()),
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        opened = Store(f"http://127.0.0.1:{ports['s3.port']}", bucket)
        _make_bucket(opened, process, folder / "log")
        yield opened
    finally:
        process.kill()  # a gentle end would take ten seconds
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)
        for port in ports.values():
            for socket in SOCKETS.glob(f"seaweedfs-*-{port}.sock"):
                socket.unlink(missing_ok=True)


def _ports(parts: tuple[str, ...]) -> dict[str, int]:
    names = [f"{part}.port{kind}" for part in parts for kind in ("", ".grpc")]
    found: set[int] = set()
    while len(found) < len(names):
        found.add(free_port())
    return dict(zip(names, sorted(found), strict=True))


def _make_bucket(opened: Store, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the server takes an object: its parts find each other one by one."""
    files = pa_fs.S3FileSystem(
        access_key=KEY,
        secret_key=SECRET,
        endpoint_override=opened.endpoint.removeprefix("http://"),
        scheme="http",
        region="us-east-1",
        allow_bucket_creation=True,
        retry_strategy=pa_fs.AwsStandardS3RetryStrategy(max_attempts=1),
    )
    deadline = time.monotonic() + PATIENCE_S
    refusal = _put_first(files, opened.bucket)
    while refusal:
        said = f"{refusal}\n{log.read_text(errors='replace')[-2_000:]}"
        assert process.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.05)
        refusal = _put_first(files, opened.bucket)


def _put_first(files: pa_fs.S3FileSystem, bucket: str) -> str:
    """Put an object into a new bucket; gives why the server did not take it, or ""."""
    try:
        files.create_dir(bucket)
        with files.open_output_stream(f"{bucket}/ready") as stream:
            stream.write(b"yes")
    except OSError as error:
        return str(error)
    return ""

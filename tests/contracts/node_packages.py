"""Official JavaScript packages, installed once outside the repository; Node programs on them."""

import fcntl
import json
import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from threading import Timer
from typing import Any, Self

import pytest

INSTALL_S = 180
PATIENCE_S = 120  # for one answer: a hundred remote evaluations are in some
SCRIPTS = Path(__file__).parent / "node"


def installed(*packages: str) -> Path:
    """A folder whose node_modules holds the packages; skips the test where they cannot be had."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("no Node here: install node and npm to run the JavaScript SDKs")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "momentum"
    folder = cache / f"node-{sha256(' '.join(packages).encode()).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:  # test processes side by side install once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            _install(folder, packages)
            (folder / "ready").touch()
    return folder


def _install(folder: Path, packages: tuple[str, ...]) -> None:
    try:
        done = subprocess.run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", ".", *packages],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=INSTALL_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm could not install {', '.join(packages)} in {INSTALL_S} s")
    if done.returncode:
        pytest.skip(f"npm could not install {', '.join(packages)}: {done.stderr[-300:]}")


class Program:
    """A Node program that answers lines of JSON with lines of JSON."""

    def __init__(self, script: str, packages: Path) -> None:
        self._process = subprocess.Popen(  # its own stderr shows a crash in the test's output
            ["node", str(SCRIPTS / script), str(packages)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, **question: Any) -> Any:
        """Its answer to a question."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self.read()

    def read(self) -> Any:
        """The next thing that it says; a silent program is ended, so that no test hangs."""
        assert self._process.stdout is not None
        end = Timer(PATIENCE_S, self._process.kill)
        end.start()
        try:
            line = self._process.stdout.readline()
        finally:
            end.cancel()
        assert line, "the program ended, or was silent for too long; an error of its own is above"
        return json.loads(line)

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports import free_port

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "xapi_course.py"


def send_course(*arguments):
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.slow
def test_xapi_course__by_a_stock_client__moves_the_energize_score():
    ended = send_course("--port", str(free_port()))

    assert ended.returncode == 0, ended.stdout + ended.stderr
    before, after = (
        float(re.search(rf"^Ada {when} the course: ([\d.]+)", ended.stdout, re.MULTILINE).group(1))
        for when in ("before", "after")
    )
    assert after > before + 10, ended.stdout
    components = dict(re.findall(r"^  (\w+): ([\d.]+)$", ended.stdout, re.MULTILINE))
    assert set(components) == {"retention", "activity", "incentive", "community"}
    assert all(float(points) > 0 for points in components.values()), ended.stdout


def test_xapi_course__server_that_is_not_there__is_one_clear_line():
    ended = send_course("--base-url", "http://127.0.0.1:9", "--key", "mo_manage_x")

    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1
    assert "http://127.0.0.1:9" in ended.stderr

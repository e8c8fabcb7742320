"""Values made by R packages: kept beside the script that makes them, and made again where R is.

``tests/oracles/<name>.R`` prints one JSON object and nothing else; its first comment is the command

    Rscript tests/oracles/<name>.R > tests/oracles/<name>.json

run from the repository's root. Numbers need all their digits:
``cat(jsonlite::toJSON(found, digits = NA, auto_unbox = TRUE, pretty = TRUE))``.
"""

import json
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

_MISSING = "there is no package called"


def names() -> list[str]:
    """Every oracle, by the name of its script."""
    return sorted(path.stem for path in HERE.glob("*.R"))


def values(name: str) -> dict[str, Any]:
    """The values that are kept in the repository."""
    found: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text())
    return found


@lru_cache(maxsize=64)
def regenerated(name: str) -> dict[str, Any] | None:
    """The values as R makes them now; None when R, or a package the script needs, is missing.

    Raises:
        RuntimeError: R is there, but the script failed or printed something else than JSON.
    """
    program = shutil.which("Rscript")
    if program is None:
        return None
    done = subprocess.run(
        [program, "--vanilla", str(HERE / f"{name}.R")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode != 0:
        if _MISSING in done.stderr:
            return None
        raise RuntimeError(f"{name}.R failed:\n{done.stderr}")
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except json.JSONDecodeError as error:
        raise RuntimeError(f"{name}.R printed no JSON:\n{done.stdout[:500]}") from error
    return found

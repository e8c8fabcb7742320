"""The Java that Spark runs on."""

import os
import re
import shutil
from pathlib import Path
from typing import Final

from analysis.engines.unavailable import EngineUnavailableError

FIT: Final = ("17", "21")
"""Major versions that Spark 4.0 supports."""

_PLACES: Final = (Path("/usr/lib/jvm"), Path("/Library/Java/JavaVirtualMachines"))
_VERSION: Final = re.compile(r'^JAVA_VERSION="(\d+)', re.MULTILINE)


def java_home() -> Path:
    """The folder of a Java that fits: JAVA_HOME first, then the one on the path, then others.

    Raises:
        EngineUnavailableError: none of them is of a version that Spark supports.
    """
    found = {home: major_version(home) for home in _homes()}
    for home, version in found.items():
        if version in FIT:
            return home
    seen = ", ".join(f"{home} (version {version or 'unknown'})" for home, version in found.items())
    raise EngineUnavailableError(
        f"Spark 4.0 needs Java {' or '.join(FIT)}; found {seen or 'none'}. Install one, for "
        "example apt-get install openjdk-17-jre-headless, or set JAVA_HOME to it"
    )


def major_version(home: Path) -> str:
    """The major version of the Java in a folder, "" when the folder does not say."""
    try:
        release = (home / "release").read_text()
    except OSError:
        return ""
    found = _VERSION.search(release)
    return found[1] if found else ""


def _homes() -> list[Path]:
    homes: list[Path] = []
    if given := os.environ.get("JAVA_HOME"):
        homes.append(Path(given))
    if program := shutil.which("java"):
        homes.append(Path(program).resolve().parent.parent)
    for place in _PLACES:
        if place.is_dir():
            homes += sorted(home.resolve() for home in place.iterdir() if home.is_dir())
    return list(dict.fromkeys(homes))

"""Comparing version texts such as v1.2.3-rc.1+build."""

import re
from typing import Final

_BUILD_OR_V: Final = re.compile(r"^v|\+.*$", re.DOTALL)
_SEPARATORS: Final = re.compile(r"[-.]")
_PARTS_OF_A_RELEASE: Final = 3
_WIDTH: Final = 5
_LONGEST: Final = 256


def version_key(text: str) -> str:
    """A text that sorts as the version does.

    Numbers are padded so that 9 < 10; a release sorts after its pre-releases; build information and
    a leading v do not count.

    Example:
        >>> version_key("1.9.0") < version_key("v1.10.0-rc.1") < version_key("1.10.0+b7")
        True
    """
    parts = _SEPARATORS.split(_BUILD_OR_V.sub("", text[:_LONGEST]))
    if len(parts) == _PARTS_OF_A_RELEASE:
        parts.append("~")  # the last ASCII sign: 1.0.0 comes after 1.0.0-beta
    return "-".join(
        part.rjust(_WIDTH) if part.isascii() and part.isdigit() else part for part in parts
    )

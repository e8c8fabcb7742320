"""What some tests need of the machine: in CI it must be there, elsewhere they are skipped."""

import os
from typing import NoReturn

import pytest


def do_without(reason: str) -> NoReturn:
    """Skip the test that lacks something; in CI (``CI=true``) fail: nobody would see the skip."""
    if os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(f"not skipped, because this is CI: {reason}", pytrace=False)
    pytest.skip(reason)

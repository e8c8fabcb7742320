"""The official GrowthBook SDKs, asked the same questions as our engine."""

import json
import logging
import os
import shutil
import subprocess
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest
from growthbook.common_types import (
    EvaluationContext,
    GlobalContext,
    Options,
    StackContext,
    UserContext,
    features_from_dict,
)
from growthbook.core import eval_feature
from growthbook.growthbook import InMemoryStickyBucketService

from assignment import Payload, evaluate

JAVASCRIPT_SDK = "@growthbook/growthbook@1.8.0"
MINUTES_TO_INSTALL = 3

Ask = tuple[str, dict[str, Any]]
"""A flag's or experiment's key, and a learner's attributes."""


@dataclass(frozen=True)
class Outcome:
    """What all engines must agree on."""

    value: Any
    variant: str | None  # only when the unit's hash (or its memory) chose it
    attribute: str | None = field(default=None, compare=False)
    bucket: float | None = field(default=None, compare=False)
    saved: list[Any] = field(default_factory=list, compare=False)


def ask_ours(payload: Payload, asks: Sequence[Ask]) -> list[Outcome]:
    answers = [evaluate(payload, key, attributes) for key, attributes in asks]
    return [Outcome(one.value, one.variant if one.in_experiment else None) for one in answers]


def ask_python(
    payload: dict[str, Any], asks: Sequence[Ask], sticky: dict[str, Any] | None = None
) -> list[Outcome]:
    """The answers of the official Python SDK; its warnings of odd payloads are not ours.

    Args:
        payload: what is delivered.
        asks: what is asked of it.
        sticky: documents of remembered variants; None remembers nothing.
    """
    logging.getLogger("growthbook").setLevel(logging.CRITICAL)
    world = GlobalContext(
        options=Options(
            sticky_bucket_service=None if sticky is None else InMemoryStickyBucketService()
        ),
        features=features_from_dict(payload["features"]),
        saved_groups=payload.get("savedGroups", {}),
    )
    return [_ask_python(world, key, attributes, sticky or {}) for key, attributes in asks]


def _ask_python(
    world: GlobalContext, key: str, attributes: dict[str, Any], sticky: dict[str, Any]
) -> Outcome:
    user = UserContext(attributes=attributes, sticky_bucket_assignment_docs=deepcopy(sticky))
    answer = eval_feature(key, EvaluationContext(user, world, StackContext()))
    result = answer.experimentResult
    variant = result.key if result is not None and result.hashUsed else None
    return Outcome(answer.value, variant, bucket=result.bucket if result else None)


class JavaScriptPeer:
    """The official JavaScript SDK in a Node process that stays up between questions."""

    def __init__(self, folder: Path) -> None:
        script = Path(__file__).with_name("growthbook_peer.mjs")
        self._process = subprocess.Popen(  # its own stderr shows a crash in the test's output
            ["node", str(script), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"NODE_ENV": "production"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def ask(
        self, payload: dict[str, Any], asks: Sequence[Ask], visit: dict[str, Any] | None = None
    ) -> list[Outcome]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        question = {"payload": payload, "asks": asks, "visit": visit or {}}
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return [
            Outcome(
                value=answer["value"],
                variant=answer["variant"] if answer["hashed"] else None,
                attribute=answer["attribute"],
                bucket=answer["bucket"],
                saved=answer["saved"],
            )
            for answer in json.loads(self._process.stdout.readline())
        ]


def javascript_sdk() -> Path:
    """A folder outside the repository with the SDK; skips the test where it cannot be had."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("no Node here: install node and npm to compare with the JavaScript SDK")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "momentum" / JAVASCRIPT_SDK.replace("/", "-")
    if not (folder / "ready").exists():
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund", JAVASCRIPT_SDK],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60 * MINUTES_TO_INSTALL,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"npm could not install {JAVASCRIPT_SDK}: {done.stderr[-200:]}")
        (folder / "ready").touch()
    return folder

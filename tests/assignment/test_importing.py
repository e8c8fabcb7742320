"""Importing the engine is quick: what a host needs only later is loaded later."""

import subprocess
import sys
from pathlib import Path

import pytest

import assignment
from assignment import payload

ROOT = Path(__file__).resolve().parents[2]


def test_import__of_the_engine__does_not_load_what_reads_payloads() -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import assignment; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )

    late = {"assignment.payload", "assignment.conditions", "assignment.operators", "json"}
    assert late.isdisjoint(found.stdout.split())
    assert "assignment.evaluate" in found.stdout.split()


def test_parse_payload__asked_of_the_package__is_the_one_of_its_module() -> None:
    assert assignment.parse_payload is payload.parse_payload


def test_package__asked_for_what_it_has_not__says_so() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'parse_pay'"):
        _ = assignment.parse_pay

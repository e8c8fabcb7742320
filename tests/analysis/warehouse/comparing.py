"""Readouts as plain values, and where two of them differ."""

import json

import pytest

EXACT = 1e-9


def plain(readout):
    """A readout as JSON has it."""
    return json.loads(json.dumps(readout.to_json()))


def differences(wanted, found, path="readout"):
    """Where two readouts differ by more than 1e-9, relatively for numbers above 1."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        keys = sorted(set(wanted) | set(found))
        parts = [(wanted.get(key), found.get(key), f"{path}.{key}") for key in keys]
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = enumerate(zip(wanted, found, strict=True))
        parts = [(a, b, f"{path}[{at}]") for at, (a, b) in pairs]
    elif isinstance(wanted, float) and isinstance(found, float):
        close = found == pytest.approx(wanted, rel=EXACT, abs=EXACT)
        return [] if close else [(path, wanted, found)]
    else:
        return [] if wanted == found else [(path, wanted, found)]
    return [each for part in parts for each in differences(*part)]

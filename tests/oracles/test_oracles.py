"""What R made once is what R makes now; nothing to do for a new oracle."""

import pytest

from tests.oracles import rscript


def leaves(value, path=""):
    """Every plain value with where it stands."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{index}]")
    else:
        yield path, value


def differs(again, kept):
    if isinstance(kept, str) or kept is None:
        return again != kept
    return again != pytest.approx(kept, rel=1e-6, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", rscript.names())
def test_oracle__script_run_again__gives_the_kept_values(name):
    found = rscript.regenerated(name)
    if found is None:
        pytest.skip("R, or a package that the script needs, is not installed")

    kept = dict(leaves(rscript.values(name)))
    again = dict(leaves(found))
    assert list(again) == list(kept)
    moved = {
        path: (kept[path], value) for path, value in again.items() if differs(value, kept[path])
    }
    assert moved == {}

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["analysis", "analysis.results", "analysis.plan"])
def test_shapes_that_cross_borders__imported__load_no_engine(module):
    heavy = "{'ibis', 'pymc', 'altair', 'duckdb', 'scipy', 'pandas'}"
    code = f"import sys, {module}; sys.exit(' '.join({heavy} & set(sys.modules)))"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert run.stderr.strip() == ""


def test_readout__imported__loads_no_engine():
    code = "import sys, analysis.read; sys.exit(' '.join({'ibis', 'pymc'} & set(sys.modules)))"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert run.stderr.strip() == ""


def test_server__imported__leaves_scipy_to_readouts():
    heavy = "{'scipy', 'pymc'}"
    code = f"import sys, experiment_server.app; sys.exit(' '.join({heavy} & set(sys.modules)))"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert run.stderr.strip() == ""

"""A pytest plugin: tests that import `assignment` get the SDK's compiled engine instead.

MOMENTUM_COMPILED_SDK=... python -m pytest -p tests.architecture.compiled ...: with the folder
where an SDK is installed whose wheel brought the compiled engine.
"""

import importlib
import pkgutil
import sys

from tests.architecture.compiled_sdk import engine

for found in pkgutil.iter_modules(engine.__path__[1:]):  # [0] has the compiled ones only
    module = importlib.import_module(f"{engine.__name__}.{found.name}")
    sys.modules[f"assignment.{found.name}"] = module
sys.modules["assignment"] = engine

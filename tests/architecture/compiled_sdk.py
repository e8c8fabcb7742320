"""The compiled engine of the SDK that is installed in the folder MOMENTUM_COMPILED_SDK."""

import importlib
import os
import sys

sys.path.insert(0, os.environ["MOMENTUM_COMPILED_SDK"])
engine = importlib.import_module("momentum_sdk._assignment")
if engine.ENGINE != "compiled":
    raise RuntimeError(f"the engine in {engine.__path__} is {engine.ENGINE}")

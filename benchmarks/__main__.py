"""Run every benchmark, or those that are named: ``python -m benchmarks [NAME ...]``."""

import importlib
import sys
from pathlib import Path


def main() -> None:
    every = sorted(
        path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_")
    )
    wanted = sys.argv[1:] or every
    for name in wanted:
        if name not in every:
            sys.exit(f"no benchmark {name!r}; there are: {', '.join(every)}")
        print(f"\n{name}")
        importlib.import_module(f"benchmarks.{name}").run()


if __name__ == "__main__":
    main()

"""Run every benchmark, or those that are named: ``python -m benchmarks [NAME ...] [--OPTION ...]``.

Options are left to the benchmarks that know them.
"""

import importlib
import sys
from pathlib import Path


def main() -> None:
    every = sorted(
        path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_")
    )
    wanted = [each for each in sys.argv[1:] if not each.startswith("--")] or every
    for name in wanted:
        if name not in every:
            sys.exit(f"no benchmark {name!r}; there are: {', '.join(every)}")
        print(f"\n{name}")
        importlib.import_module(f"benchmarks.{name}").run()


if __name__ == "__main__":
    main()

"""One local evaluation, against the two hashes that any implementation must compute."""

from assignment import evaluate, parse_payload
from assignment.hashing import fnv1a_32
from benchmarks._measure import best_seconds

N = 50_000


def run() -> None:
    payload = parse_payload(
        {
            "features": {
                f"experiment-{number}": {
                    "defaultValue": "plain",
                    "rules": [
                        {
                            "key": f"experiment-{number}",
                            "seed": f"experiment-{number}:1",
                            "hashVersion": 2,
                            "hashAttribute": "id",
                            "variations": ["plain", "bonus"],
                            "weights": [0.5, 0.5],
                            "coverage": 1.0,
                            "condition": {"role": "sales"},
                            "meta": [{"key": "control"}, {"key": "bonus"}],
                        }
                    ],
                }
                for number in range(100)
            }
        }
    )
    learners = [f"learner-{number:06d}" for number in range(N)]
    attributes = [{"id": learner, "role": "sales"} for learner in learners]

    def evaluations() -> None:
        for one in attributes:
            evaluate(payload, "experiment-50", one)

    def hashes() -> None:
        for learner in learners:
            fnv1a_32(str(fnv1a_32("experiment-50:1" + learner)))

    best = best_seconds({"evaluate": evaluations, "hashes alone": hashes})
    for name, seconds in best.items():
        print(f"  {name:14} {seconds / N * 1e9:8.0f} ns each")
    print(f"  ratio {best['evaluate'] / best['hashes alone']:.2f} (100 flags, one condition)")

"""`make simulate STEPS=100000 SEED=1`: what was done, and how long it took; or the script of a failure."""

import argparse
import sys
import time

from tests.simulation.running import SimulationFailed, simulate


def main() -> int:
    """Simulate, and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began = time.perf_counter()
    try:
        tally = simulate(asked.steps, asked.seed)
    except SimulationFailed as failed:
        print(f"After {time.perf_counter() - began:.0f} s:\n{failed}", file=sys.stderr)
        return 1
    seconds, cpu = time.perf_counter() - began, time.process_time()
    print(
        f"{tally.steps:,} steps in {tally.worlds:,} worlds, {tally.writes:,} writes judged, nothing broken: "
        f"{seconds:.0f} s, {cpu:.0f} s of CPU, {1000 * cpu / max(1, tally.steps):.1f} ms a step"
    )
    print(", ".join(f"{name} {count:,}" for name, count in sorted(tally.kinds.items())))
    return 0


sys.exit(main())

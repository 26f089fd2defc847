"""`make bench`: figures, no verdict. Calls are counted on the models; times are this machine's, in seconds of CPU.

Prints the rows of the tables of docs/benchmarks.md, and at the end what each part took to run; `--write` puts them
there.
"""

import argparse
import os
import time
from pathlib import Path

from tests.bench import batches, burst, calls, cold_start, costs, flip, imports, planning, resync
from tests.bench.cpu import Stopwatch
from tests.bench.document import filled
from tests.bench.rows import Row, show
from tests.simulation import edges

DOCUMENT = Path(__file__).parents[2] / "docs" / "benchmarks.md"
PARTS = {
    "calls": calls.rows,
    "flip": flip.rows,
    "bursts": burst.rows,
    "deployments": burst.deployments,
    "batches": batches.rows,
    "resync": resync.rows,
    "costs": costs.rows,
    "planner": planning.rows,
    "imports": imports.rows,
    "cold-start": cold_start.rows,
    "edges": edges.rows,
}


def main() -> None:
    """Print the figures of all parts, or of those that are named."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--write", action="store_true", help="put the rows into docs/benchmarks.md")
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    given = parser.parse_args()
    asked = given.parts or PARTS
    if unknown := sorted(set(asked) - PARTS.keys()):
        parser.error(f"there is no part {unknown[0]}: take of {', '.join(PARTS)}")
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    printed: list[Row] = []
    took: list[Row] = []
    for name in asked:
        watch, begun = Stopwatch(), time.perf_counter()
        printed += show(PARTS[name]())
        elapsed = time.perf_counter() - begun
        took.append(Row("What the bench itself takes", name, f"{watch.seconds():.0f} s", f"{elapsed:.0f} s"))
    show(took)
    loads = f"{load:.1f} at first, {os.getloadavg()[0]:.1f} now"
    print(f"\nSeconds of CPU, then elapsed; load of the machine's {cores} cores: {loads}")  # noqa: T201 - for a terminal
    if given.write:
        # What some parts took is no replacement for what all take.
        rows = printed if given.parts else [*printed, *took]
        DOCUMENT.write_text(filled(DOCUMENT.read_text(), rows))


if __name__ == "__main__":
    main()

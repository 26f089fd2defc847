"""What the import of each function's module costs over bare Python, each in a fresh process."""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

RUNS = 7


def _milliseconds(code: str) -> float:
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own interpreter and code
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def rows() -> Iterator[tuple[str, str, str]]:
    """Return the import time of each function's module."""
    bare = _milliseconds("pass")
    for module in ("route_event", "reconcile_nodes", "resync"):
        cost = _milliseconds(f"import lambdas.{module}") - bare
        yield f"import of lambdas.{module}", f"{cost:.0f} ms", f"over bare Python ({bare:.0f} ms), median of {RUNS}"

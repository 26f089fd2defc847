"""Size of the layers, and cold start of the functions: `python -m tests.bench.cold_start`.

A cold start is counted from the start of the process to the first answer, with the local AWS and cluster behind it.
What Lambda does before, a micro-VM and the download of the layers, is not in it. The CPU time is the process's own, and
depends less on what else the machine does.
"""

import resource
import statistics
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stacks.assets import LAMBDA, Asset, Target, dependencies, package
from tests.integration.runtime.sandbox import Sandbox, target
from tests.integration.runtime.world import RuntimeWorld, world

RUNS = 5
MEGABYTE = 1_000_000


def rows() -> Iterator[tuple[str, str, str]]:
    """Return the sizes of both machines' layers, and each function's cold start on this machine."""
    here = target()
    for of in dict.fromkeys((LAMBDA, here)):
        for asset in (dependencies(of), package(of)):
            yield _size(asset, of)
    with TemporaryDirectory() as folder:
        sandbox = Sandbox.unpacked(Path(folder), here)
        how = f"Python {here.python}, from its process to its first answer, medians of {RUNS}"
        yield "bare Python", _figure([_bare(sandbox) for _ in range(RUNS)]), how
        for function in ("route_event", "reconcile_nodes", "resync"):
            yield f"cold start of {function}", _figure([_cold_start(sandbox, function) for _ in range(RUNS)]), how


def _size(asset: Asset, of: Target) -> tuple[str, str, str]:
    archive = asset.archive()
    with zipfile.ZipFile(archive) as packed:
        unzipped = sum(info.file_size for info in packed.infolist())
    figure = f"{archive.stat().st_size / MEGABYTE:.1f} MB zipped, {unzipped / MEGABYTE:.1f} MB unzipped"
    return f"layer {asset.name}", figure, f"Python {of.python}, {of.machine}"


def _figure(times: list[tuple[float, float]]) -> str:
    elapsed, cpu = (statistics.median(column) * 1000 for column in zip(*times, strict=True))
    return f"{elapsed:.0f} ms, {cpu:.0f} ms of CPU"


def _cpu_seconds() -> float:
    """Return the CPU time of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _cold_start(sandbox: Sandbox, function: str) -> tuple[float, float]:
    with world() as aws:
        event = _event(sandbox, function, aws)
        cpu, started = _cpu_seconds(), time.perf_counter()
        with sandbox.start(function, aws.variables) as running:
            answer = running.invoke(event)
            elapsed = time.perf_counter() - started
        cpu = _cpu_seconds() - cpu
    if answer.failed:
        raise RuntimeError(f"{function} failed: {answer.document}")
    return elapsed, cpu


def _event(sandbox: Sandbox, function: str, aws: RuntimeWorld) -> Any:
    """Return the event of the main job: a node was launched."""
    told = aws.told(aws.launch(), "running")
    match function:
        case "route_event":
            return told
        case "reconcile_nodes":
            with sandbox.start("route_event", aws.variables) as route_event:
                route_event.invoke(told)
            return aws.batch()
        case _:
            return {"dryRun": True}


def _bare(sandbox: Sandbox) -> tuple[float, float]:
    cpu, started = _cpu_seconds(), time.perf_counter()
    subprocess.run([sandbox.python, "-S", "-c", "pass"], check=True)  # noqa: S603 - a Python
    return time.perf_counter() - started, _cpu_seconds() - cpu


if __name__ == "__main__":
    for row in rows():
        print(" | ".join(row))  # noqa: T201 - figures for a terminal

"""Size of the layers, and cold start of the functions: `python -m tests.bench.cold_start`.

A cold start is counted from the start of the process to the first answer, with the local AWS and cluster behind it.
What Lambda does before, a micro-VM and the download of the layers, is not in it. Times are CPU times of the process.
"""

import resource
import statistics
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stacks.assets import LAMBDA, Asset, Target, dependencies, package
from tests.bench.cpu import Stopwatch
from tests.bench.rows import Row, show
from tests.integration.runtime.sandbox import Sandbox, target
from tests.integration.runtime.world import RuntimeWorld, world

RUNS = 5
MEGABYTE = 1_000_000


def rows() -> Iterator[Row]:
    """Return the sizes of both machines' layers, and each function's cold start on this machine."""
    here = target()
    for of in dict.fromkeys((LAMBDA, here)):
        for asset in (dependencies(of), package(of)):
            yield _size(asset, of)
    with TemporaryDirectory() as folder:
        sandbox = Sandbox.unpacked(Path(folder), here)
        section = "Cold start"
        yield Row(section, f"bare Python {here.python}, {here.machine}", _median(lambda: _bare(sandbox)))
        for function in ("route_event", "reconcile_nodes", "resync"):
            yield Row(section, f"`{function}`", _median(partial(_cold_start, sandbox, function)))


def _size(asset: Asset, of: Target) -> Row:
    archive = asset.archive()
    with zipfile.ZipFile(archive) as packed:
        unzipped = sum(info.file_size for info in packed.infolist())
    sizes = (f"{size / MEGABYTE:.1f} MB" for size in (archive.stat().st_size, unzipped))
    return Row("Layers", f"{asset.name}, Python {of.python}, {of.machine}", *sizes)


def _median(start: Callable[[], float]) -> str:
    return f"{statistics.median(start() for _ in range(RUNS)) * 1000:.0f} ms"


def _cold_start(sandbox: Sandbox, function: str) -> float:
    with world() as aws:
        event = _event(sandbox, function, aws)
        watch = Stopwatch([resource.RUSAGE_CHILDREN])
        with sandbox.start(function, aws.variables) as running:
            answer = running.invoke(event)
    if answer.failed:
        raise RuntimeError(f"{function} failed: {answer.document}")
    return watch.seconds()


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


def _bare(sandbox: Sandbox) -> float:
    watch = Stopwatch([resource.RUSAGE_CHILDREN])
    subprocess.run([sandbox.python, "-S", "-c", "pass"], check=True)  # noqa: S603 - a Python
    return watch.seconds()


if __name__ == "__main__":
    show(rows())

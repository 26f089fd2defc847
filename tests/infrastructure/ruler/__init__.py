"""AWS's own engine of EventBridge's patterns, event-ruler, run by a JDK; its jars come by Maven and are kept."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
CACHE = Path.home() / ".cache" / "spiderpool-aws" / "event-ruler-2.1.0"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"

Documents = Mapping[str, Mapping[str, Any]]


def matches(patterns: Documents, events: Documents, folder: Path) -> set[tuple[str, str]]:
    """Return which event is matched by which pattern, both by name; skip without a JDK or the jars."""
    for tool in ("java", "javac"):
        if shutil.which(tool) is None:
            pytest.skip(f"event-ruler needs a JDK: there is no {tool} on the path")
    classpath = ":".join(str(jar) for jar in _jars())
    classes = _folder(folder / "classes")
    _run("javac", "-d", str(classes), "-cp", classpath, str(HERE / "Ruler.java"))
    given = [_write(folder / "patterns", patterns), _write(folder / "events", events)]
    lines = _run("java", "-cp", f"{classes}:{classpath}", "Ruler", *map(str, given)).splitlines()
    return {(event, pattern) for event, pattern in (line.split(" ") for line in lines)}


def _jars() -> list[Path]:
    """Return the jars of jars.sha256, each with just this checksum; what is not there yet is fetched."""
    lines = (HERE / "jars.sha256").read_text(encoding="utf-8").splitlines()
    wanted = {name: digest for digest, name in (line.split() for line in lines)}
    if not all((CACHE / name).exists() for name in wanted):
        _fetch()
    for name, digest in wanted.items():
        assert hashlib.sha256((CACHE / name).read_bytes()).hexdigest() == digest, (
            f"{CACHE / name} is not the pinned one"
        )
    return [CACHE / name for name in wanted]


def _fetch() -> None:
    if shutil.which("mvn") is None:
        pytest.skip("event-ruler's jars come by Maven: there is no mvn on the path")
    command = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), COPY, f"-DoutputDirectory={CACHE}"]
    fetched = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603
    if fetched.returncode:
        pytest.skip(f"Maven could not fetch event-ruler: {fetched.stdout[-300:]}")


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    return done.stdout


def _write(folder: Path, documents: Documents) -> Path:
    for name, document in documents.items():
        (_folder(folder) / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def _folder(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    return path

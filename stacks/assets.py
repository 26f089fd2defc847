"""What is uploaded to Lambda, made without Docker: two layers and the functions' own modules, as zip files.

Each is made once and kept under `build/assets`, by a fingerprint of all that it is made of: the same sources give the
same name, so CDK uploads nothing that is there already. Nothing here knows CDK.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = ROOT / "build" / "assets"
REQUIREMENTS = ROOT / "layers" / "dependencies" / "requirements.txt"
PACKAGE = ROOT / "layers" / "spiderpool_aws" / "python"
HANDLERS = ROOT / "lambdas"

SERVICES = ("autoscaling", "ec2", "secretsmanager", "sqs", "ssm", "sts")
"""Those whose botocore models the functions get."""

UNUSED = (
    "bin",
    "kubernetes/aio",
    *(f"kubernetes/{part}" for part in ("config", "dynamic", "informer", "leaderelection", "stream", "watch")),
    "kubernetes/client/api",
    "kubernetes/client/models/[!_]*",
    "**/tests",
    "**/*_test.py",
    # pip's own, and no longer true of what is left; METADATA and the licences stay, scanners read them.
    "*.dist-info/RECORD",
)
"""What the functions never import; a test runs them all without it."""

EMPTIED = ("kubernetes/__init__.py",)
"""It imports all parts of the package, and with them requests, oauthlib and websocket; we import modules by name."""

NOT_DEPLOYED = ("cli", "local")
"""Parts of our package that no function uses."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_FILE_MODE = 0o644
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class AssetError(Exception):
    """An asset cannot be made; the message is one line that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom the layers are for: a version of Python, and a machine as wheels name it."""

    python: str
    machine: str

    @property
    def platforms(self) -> tuple[str, ...]:
        """Return the wheels' platforms: Lambda's python3.13 is Amazon Linux 2023, whose glibc is 2.34."""
        return tuple(f"{standard}_{self.machine}" for standard in ("manylinux_2_28", "manylinux2014"))


LAMBDA = Target("3.13", "aarch64")


@dataclass(frozen=True, slots=True)
class Asset:
    """A zip file to be; `fingerprint` tells it from every other, also before it is made."""

    name: str
    fingerprint: str
    fill: Callable[[Path], None]
    """Puts the contents into an empty folder."""

    def archive(self) -> Path:
        """Return the zip file, made now unless it is there. Raises AssetError."""
        path = CACHE / f"{self.name}-{self.fingerprint[:16]}.zip"
        try:
            if not path.exists():
                self._make(path)
        except OSError as error:
            raise AssetError(
                f"{path.name} cannot be made ({error.strerror or error}: {error.filename or CACHE}): check that "
                f"{CACHE} can be written and has room"
            ) from None
        return path

    def _make(self, path: Path) -> None:
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=".making-") as folder:
            contents = Path(folder, "contents")
            contents.mkdir()
            self.fill(contents)
            made = Path(folder, "made.zip")
            _zip(contents, made)
            # Whole or not at all, also when two syntheses run at once.
            made.replace(path)


def dependencies(target: Target = LAMBDA) -> Asset:
    """Return the layer of other people's packages, as layers/dependencies/requirements.txt pins them."""

    def fill(folder: Path) -> None:
        _install(folder / "python", target)
        _prune(folder / "python")
        _compile(folder / "python", target)

    return Asset(f"dependencies-{target.machine}", _fingerprint([REQUIREMENTS], target), fill)


def package(target: Target = LAMBDA) -> Asset:
    """Return the layer of our own package, without what no function uses."""
    sources = [path for path in _sources(PACKAGE) if path.relative_to(PACKAGE).parts[1] not in NOT_DEPLOYED]

    def fill(folder: Path) -> None:
        _copy(sources, PACKAGE, folder / "python")
        _compile(folder / "python", target)

    return Asset("package", _fingerprint(sources, target), fill)


def handler(name: str, target: Target = LAMBDA) -> Asset:
    """Return a function's own code: its module under `lambdas/`, and no other's."""
    sources = [HANDLERS / "__init__.py", HANDLERS / f"{name}.py"]
    if not sources[1].is_file():
        raise AssetError(f"there is no function {name}: lambdas/{name}.py is missing")

    def fill(folder: Path) -> None:
        _copy(sources, HANDLERS.parent, folder)
        _compile(folder, target)

    return Asset(name.replace("_", "-"), _fingerprint(sources, target), fill)


@cache
def compiler(version: str) -> str | None:
    """Return a Python of that version, to compile for it; None when this machine has none.

    Lambda cannot write bytecode into a layer, and would compile every module at every cold start
    (docs/adr/0011-bytecode-in-the-layers.md).
    """
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}*/bin/python{version}"))
    for candidate in (sys.executable, f"python{version}", *map(str, pyenv)):
        question = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        try:
            answer = subprocess.run(question, capture_output=True, text=True, check=False)  # noqa: S603 - Pythons
        except OSError:
            continue
        if answer.stdout.strip() == version:
            return candidate
    return None


def _install(folder: Path, target: Target) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-color", "--disable-pip-version-check"]
    command += [
        "--no-compile",
        "--target",
        str(folder),
        "--no-deps",
        "--require-hashes",
        "--requirement",
        str(REQUIREMENTS),
    ]
    command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={target.python}"]
    command += [f"--platform={platform}" for platform in target.platforms]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode:
        # Python itself colours a traceback, whatever pip is told.
        plain = _ANSI.sub("", done.stderr)
        said = [line for line in plain.splitlines() if line.strip()] or [f"exit code {done.returncode}"]
        # pip's first error is the cause; a traceback has its cause at the end.
        why = next((line for line in said if line.startswith("ERROR: ")), said[-1]).removeprefix("ERROR: ")
        raise AssetError(
            f"the dependencies layer cannot be made: pip could not install {REQUIREMENTS.relative_to(ROOT)} for Python "
            f"{target.python} on {target.machine} ({why}); check that a package index is reachable"
        )


def _prune(folder: Path) -> None:
    models = folder / "botocore" / "data"
    others = [path for path in models.iterdir() if path.is_dir() and path.name not in SERVICES]
    for path in [*others, *(found for pattern in UNUSED for found in list(folder.glob(pattern)))]:
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
    for name in EMPTIED:
        (folder / name).write_text("")


def _compile(folder: Path, target: Target) -> None:
    """Add bytecode that is never compared with its source: a zip file's times are not the sources'."""
    python = compiler(target.python)
    if python is None:
        return
    command = [python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    # The name of the temporary folder stays out of it.
    command += ["-s", str(folder), "-p", "/opt/python" if folder.name == "python" else "/var/task", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode:
        raise AssetError(f"{folder.name} cannot be compiled: {(done.stdout + done.stderr).strip().splitlines()[0]}")


def _sources(root: Path) -> list[Path]:
    return [path for path in _files(root) if "__pycache__" not in path.parts]


def _files(root: Path) -> Iterator[Path]:
    return (path for path in sorted(root.rglob("*")) if path.is_file())


def _copy(paths: Iterable[Path], root: Path, folder: Path) -> None:
    for path in paths:
        place = folder / path.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


def _fingerprint(paths: Iterable[Path], target: Target) -> str:
    """Return a hash of the sources, of whom it is for, and of the rules in this file."""
    digest = hashlib.sha256(f"{target} compiled={compiler(target.python) is not None}".encode())
    for path in [Path(__file__), *paths]:
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _zip(folder: Path, archive: Path) -> None:
    """Pack a folder, with times and modes that depend on nobody's machine: Lambda's user must be able to read it."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in _files(folder):
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o100000 | _FILE_MODE) << 16
            packed.writestr(info, path.read_bytes())

"""A place like Lambda's: /opt and /var/task from the archives that are deployed, the runtime client, and a process."""

import platform
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any

from spiderpool_aws.deployment import FUNCTIONS
from stacks.assets import CACHE, LAMBDA, ROOT, Target, compiler, dependencies, handler, package
from tests.integration.runtime.api import Answer, RuntimeApi

_CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")


def target() -> Target:
    """Return this machine with Lambda's Python; with the running one where that is not to be had."""
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Target(LAMBDA.python if compiler(LAMBDA.python) else running, platform.machine())


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The unpacked archives; `start` runs a function of them."""

    python: str
    folder: Path
    client: Path

    @classmethod
    def unpacked(cls, folder: Path, of: Target) -> "Sandbox":
        """Make the archives unless they are there, and unpack them as Lambda does."""
        python = compiler(of.python)
        assert python is not None
        for layer in (dependencies(of), package(of)):
            _unzip(layer.archive(), folder / "opt")
        for function in FUNCTIONS:
            _unzip(handler(function.name, of).archive(), folder / "task" / function.name)
        return cls(python, folder, _runtime_client(of))

    def start(self, function: str, environment: Mapping[str, str], size_mb: int = 512) -> "RunningFunction":
        """Start a function's process, with this environment and what Lambda itself puts there."""
        return RunningFunction(self, function, environment, size_mb)

    def environment(self, function: str, size_mb: int) -> dict[str, str]:
        """Return what Lambda puts into the environment (developer guide, "Defined runtime environment variables")."""
        task = self.folder / "task" / function
        return {
            "_HANDLER": f"lambdas.{function}.handler",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_REGION": "eu-west-1",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{LAMBDA.python}",
            "AWS_LAMBDA_FUNCTION_NAME": function,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(size_mb),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_SESSION_TOKEN": "local",
            "LAMBDA_TASK_ROOT": str(task),
            "LAMBDA_RUNTIME_DIR": str(self.client),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": f"{task}:{self.folder / 'opt' / 'python'}:{self.client}",
            # Lambda's /opt and /var/task are read-only.
            "PYTHONDONTWRITEBYTECODE": "1",
        }


class RunningFunction:
    """A context manager: the function's process, and the Runtime API that it asks for events."""

    def __init__(self, sandbox: Sandbox, function: str, environment: Mapping[str, str], size_mb: int) -> None:
        self._api = RuntimeApi()
        variables = sandbox.environment(function, size_mb) | dict(environment)
        variables["AWS_LAMBDA_RUNTIME_API"] = self._api.address
        self._output = TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        # -S: no site-packages, so that what is imported comes from the archives or from Python itself.
        command = [sandbox.python, "-S", "-m", "awslambdaric", variables["_HANDLER"]]
        self._process = subprocess.Popen(  # noqa: S603 - our own arguments
            command, env=variables, cwd=variables["LAMBDA_TASK_ROOT"], stdout=self._output, stderr=subprocess.STDOUT
        )

    def __enter__(self) -> "RunningFunction":
        self._api.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
        self._api.__exit__()
        if error is not None:
            error.add_note(self.output())
        self._output.close()

    def invoke(self, event: Any) -> Answer:
        """Hand the function an event, and wait for the answer."""
        return self._api.invoke(event, lambda: self._process.poll() is None)

    def output(self) -> str:
        """Return what the function has printed, its log."""
        self._output.seek(0)
        return self._output.read()


def _unzip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)


def _runtime_client(of: Target) -> Path:
    """Return a folder with the runtime client alone, of the version that requirements.txt pins; made once."""
    pinned = (ROOT / "requirements.txt").read_text()
    pins = [found[0] for name in _CLIENT if (found := re.search(rf"^{name}==[^ \n]+", pinned, re.MULTILINE))]
    assert len(pins) == len(_CLIENT), f"requirements.txt must pin {', '.join(_CLIENT)}"
    folder = CACHE / f"runtime-client-{of.python}-{of.machine}-{'-'.join(pins).replace('==', '-')}"
    if not folder.exists():
        making = folder.with_suffix(".making")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(making)]
        command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={of.python}"]
        subprocess.run([*command, *(f"--platform={name}" for name in of.platforms), *pins], check=True)  # noqa: S603
        making.rename(folder)
    return folder

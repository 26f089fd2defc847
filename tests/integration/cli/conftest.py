"""The commands, run in this process on the demo's cluster as a test has made it."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from typer.testing import CliRunner

from spiderpool_aws.cli import demo_world
from spiderpool_aws.cli.main import app
from spiderpool_aws.cli.world import World
from spiderpool_aws.local.stack import LocalStack


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


def run(*arguments: str, given: str | None = None) -> Ran:
    result = CliRunner(env={"NO_COLOR": "1", "TERMINAL_WIDTH": "200", "COLUMNS": "200"}).invoke(
        app, list(arguments), input=given
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def stack() -> Iterator[LocalStack]:
    """The demo's cluster, complete, before anybody changed anything by hand."""
    with demo_world.demo_stack() as stack:
        yield stack


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[[LocalStack], Run]:
    """Have `--demo` mean a stack as it is."""

    def use(stack: LocalStack) -> Run:
        def give() -> AbstractContextManager[World]:
            return _world(stack)

        monkeypatch.setattr(demo_world, "demo_world", give)
        return lambda *arguments, given=None: run(*arguments, "--demo", given=given)

    return use


@contextmanager
def _world(stack: LocalStack) -> Iterator[World]:
    yield demo_world.world_of(stack)

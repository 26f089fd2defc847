"""Every command of docs/cli.md runs, and ends with the exit code that is written beside it."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from spiderpool_aws.cli.connect import Where
from spiderpool_aws.cli.demo_world import DemoDeployment
from spiderpool_aws.cli.main import app
from tests.integration.cli.conftest import run

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
BLOCKS = re.compile(r"```sh\n(.*?)```", re.DOTALL)
ELSEWHERE = {"demo", "local", "dlq", "manifests"}
"""Commands that the demo's cluster cannot show."""


def examples() -> Iterator[tuple[list[str], int]]:
    """Yield the arguments and the exit code of each example."""
    for line in (line for block in BLOCKS.findall(DOCUMENT) for line in block.splitlines()):
        program, *arguments = shlex.split(line, comments=True)
        assert program == "spiderpool-aws"
        code = re.search(r"# exit code (\d)", line)
        yield arguments, int(code[1]) if code else 0


EXAMPLES = list(examples())


@pytest.mark.parametrize(("arguments", "code"), EXAMPLES, ids=[" ".join(arguments) for arguments, _ in EXAMPLES])
def test_an_example_runs_on_the_demos_cluster(
    arguments: list[str], code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The demo stands in for `prod`, and for the file of a policy (test_connect.py has one)."""
    monkeypatch.chdir(tmp_path)

    def enough(_self: DemoDeployment, seconds: float) -> None:
        raise KeyboardInterrupt

    if "--watch" in arguments:
        monkeypatch.setattr(DemoDeployment, "pause", enough)
    text = " ".join(arguments)
    assert "--cluster prod" in text or "--policy policy.yaml" in text or arguments[0] == "policy"
    (tmp_path / "policy.yaml").write_bytes((ROOT / "policy.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)  # `map` writes where it is
    on_demo = text.replace("--cluster prod", "--demo").replace("--policy policy.yaml", "--demo")
    ran = run(*shlex.split(on_demo))
    assert (ran.code, ran.err) == (code, "")
    assert ran.out


def test_every_command_has_an_example() -> None:
    commands = {one.name for one in app.registered_commands} | {one.name for one in app.registered_groups}
    # `demo` has no name of its own here: it takes its function's.
    assert {arguments[0] for arguments, _ in EXAMPLES} == commands - ELSEWHERE - {None}


def test_every_command_that_is_about_a_cluster_has_a_section() -> None:
    commands = {one.name for one in app.registered_commands} | {one.name for one in app.registered_groups}
    assert commands - {"demo", "local", None} <= set(re.findall(r"^## `(\w+)", DOCUMENT, re.MULTILINE))


def test_the_demos_plan_in_the_document_is_the_one_that_is_printed() -> None:
    blocks = re.findall(r"^```\w*\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)
    (shown,) = [block for block in blocks if "Plan:" in block]
    assert shown.strip() in run("plan", "--demo").out


def test_every_common_option_is_in_the_table() -> None:
    for option in (*Where.__slots__, "output"):
        assert f"`--{option}" in DOCUMENT

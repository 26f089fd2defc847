"""Every command of every document is one that there is, with options that it has, and what needs no AWS runs."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from spiderpool_aws.cli.demo_world import DemoDeployment
from tests.documents.checks import (
    check_aws,
    check_cdk,
    check_kubectl,
    check_make,
    check_program,
    check_python,
    targets,
)
from tests.documents.commands import PROGRAMS, Command, commands, commands_of
from tests.documents.markdown import FENCE, ROOT, Code, documents, pieces, read
from tests.integration.cli.conftest import Ran, run

CHECKS: dict[str, Callable[[Command], str]] = {
    "spiderpool-aws": check_program,
    "make": check_make,
    "aws": check_aws,
    "kubectl": check_kubectl,
    "cdk": check_cdk,
    "python": check_python,
}
RUN_ALONE = {"policy", "manifests"}
ON_THE_DEMO = {"plan", "status", "map", "explain", "doctor", "resync", "verify", "adopt"}


def of(text: str) -> Command:
    """Return the one command of a line in a block."""
    [command] = commands_of(Code(ROOT / "x.md", text, "sh", is_block=True))
    return command


@pytest.mark.parametrize("command", [c for program in CHECKS for c in commands(program)], ids=str)
def test_a_command_is_there_and_its_options_too(command: Command) -> None:
    assert CHECKS[command.program](command) == ""


def test_there_are_commands_of_every_program() -> None:
    assert {program for program in PROGRAMS if not commands(program)} == set()
    assert len(commands("spiderpool-aws")) > 60


def test_every_program_of_a_block_has_a_check() -> None:
    found = [command for file in documents() for code in pieces(file) for command in commands_of(code)]
    assert [str(command) for command in found if command.program not in {*PROGRAMS, "sh", "cd", "git"}] == []


def runs(command: Command) -> bool:
    """Tell whether a command runs without AWS, on the demo's cluster or by itself; docs/cli.md has its own test."""
    arguments = command.arguments
    if not command.complete or not arguments:
        return False
    if arguments[0] in RUN_ALONE:
        return len(arguments) > 1
    if command.where.startswith("docs/cli.md"):
        return False
    on_demo = arguments[0] in ON_THE_DEMO and {"--demo", "--cluster", "--policy"} & {*arguments}
    # The demo's nodes run no containers, and the file of a policy is another test's (test_connect.py).
    return bool(on_demo) and not (arguments[0] == "verify" and "--dry-run" not in arguments)


ALONE = {command.arguments: command for command in commands("spiderpool-aws") if runs(command)}


@pytest.mark.parametrize("command", ALONE.values(), ids=str)
def test_what_needs_no_aws_runs(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def enough(_self: DemoDeployment, seconds: float) -> None:
        raise KeyboardInterrupt

    if "--watch" in command.arguments:
        monkeypatch.setattr(DemoDeployment, "pause", enough)
    (tmp_path / "policy.yaml").write_bytes((ROOT / "policy.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    ran = run_on_demo(command)
    assert (ran.code in {0, 2}, ran.err) == (True, "")
    said = re.search(r"exit code (\d)", command.comment)
    assert said is None or ran.code == int(said[1])


def run_on_demo(command: Command) -> Ran:
    """Run a command with the demo in the place of a cluster, of which a dry run is the same."""
    arguments = list(command.arguments)
    if arguments[0] in ON_THE_DEMO:
        for option in ("--cluster", "--policy"):
            if option in arguments:
                at = arguments.index(option)
                del arguments[at : at + 2]
        # Names of pools are those of a cluster that has hand-made ones.
        while "--pool" in arguments:
            at = arguments.index("--pool")
            del arguments[at : at + 2]
        arguments = [*(argument for argument in arguments if argument not in {"--demo", "--yes"}), "--demo"]
    return run(*arguments)


def test_what_helm_is_told_is_what_the_command_prints() -> None:
    printed = run("manifests", "helm", "--policy", str(ROOT / "policy.yaml")).out
    lines = {line.partition(" <<")[0] for line in printed.splitlines()}
    told = commands("helm")
    assert [str(command) for command in told if " ".join(("helm", *command.arguments)) not in lines] == []
    assert told


def test_every_target_of_the_makefile_is_explained_to_who_contributes() -> None:
    told = {word for command in commands("make") if "CONTRIBUTING" in command.where for word in command.arguments}
    assert targets() - told == set()


def test_the_blocks_that_are_no_shells_are_of_a_known_language() -> None:
    """A block without a language whose first word is no program is read by no check: say what it is."""
    languages = {block["language"] for file in documents() for block in FENCE.finditer(read(file))}
    assert languages <= {"", "sh", "yaml", "python", "json", "mermaid", "text"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("spiderpool-aws sattus", "there is no command 'sattus'"),
        ("spiderpool-aws status --clutser prod", "No such option: --clutser"),
        ("spiderpool-aws manifests helm", "Missing option"),
        ("spiderpool-aws plan --output xml", "is not one of"),
        ("spiderpool-aws explain --cluster prod", "Missing argument"),
        ("make demon", "no 'demon'"),
        ("make simulate STEP=1", "no 'STEP'"),
        ("aws ec3 describe-instances", "no service 'ec3'"),
        ("aws ec2 describe-instance", "no operation 'describe-instance'"),
        ("aws ec2 describe-instances --instance-id i-1", "has no ['--instance-id']"),
        ("aws ssm put-parameter --name a", "needs ['--value']"),
        ("aws eks get-token --name prod", "no operation"),
        ("kubectl appyl -f samples/nlb.yaml", "no verb 'appyl'"),
        ("kubectl apply -f samples/nbl.yaml", "no file 'samples/nbl.yaml'"),
        ("kubectl get spiderippool", "no kind ['spiderippool']"),
        ("npx cdk deplyo --all", "no 'deplyo'"),
        ("npx cdk deploy --al", "has no '--al'"),
        ("npx cdk deploy -c worker=5", "no key 'worker'"),
        ("npx cdk deploy spiderpool-aws-prod-node", "no stack"),
        (".venv/bin/python apps.py", "no file 'apps.py'"),
        ("python -m tests.bench.costs --nodes 1", "has no ['--nodes']"),
    ],
)
def test_a_mistake_in_a_command_is_found(line: str, said: str) -> None:
    command = of(line)
    assert said in CHECKS[command.program](command)


def test_a_line_is_taken_apart_as_a_shell_does_it() -> None:
    block = "for a in b; do\n  X=1 aws ec2 describe-instances \\\n --filters 'a|b' # all\ndone\nmake demo | rm -r > x\n"
    found = list(commands_of(Code(ROOT / "x.md", block, "sh", is_block=True)))
    assert [(command.program, command.arguments, command.comment) for command in found] == [
        ("aws", ("ec2", "describe-instances", "--filters", "a|b"), "all"),
        ("make", ("demo",), ""),
        ("rm", ("-r",), ""),
    ]
    named = list(commands_of(Code(ROOT / "x.md", "spiderpool-aws local aws|cluster")))
    assert [(command.arguments, command.complete) for command in named] == [
        (("local", "aws"), False),
        (("local", "cluster"), False),
    ]

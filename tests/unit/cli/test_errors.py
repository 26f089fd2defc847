"""Whatever a person does wrong is one line on standard error and exit code 1, and never a stack trace."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spiderpool_aws.cli.main import app

START = "from spiderpool_aws.cli.entry import main; main()"
INTERRUPTED = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "spiderpool_aws.cli.main":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Finder())
"""
POLICY = str(Path(__file__).parents[3] / "policy.yaml")


def start(
    *arguments: str, before: str = "", stdout: int | None = subprocess.PIPE, **environment: str
) -> tuple[int, str]:
    """Run the program; return its exit code and its standard error."""
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", f"{before}\n{START}", *arguments],
        env=os.environ | environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("nothing", "No such command 'nothing'."),
        ("--nothing", "No such option: --nothing"),
        ("policy chek", "No such command 'chek'. Did you mean 'check'?"),
        ("policy check", "Missing argument 'file'."),
        ("demo --output xml", "'xml' is not one of 'table', 'json'."),
        ("local aws --port 99999", "Input should be less than or equal to 65535"),
        ("dlq list", "give either --cluster or --queue-url"),
        ("manifests helm", "Missing option '--policy'."),
        ("demo --map .", "--map . is a folder: give a file in it"),
    ],
)
def test_what_was_typed_wrong_is_one_line_whatever_the_command(typed: str, said: str) -> None:
    result = CliRunner(env={"NO_COLOR": "1"}).invoke(app, typed.split())
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("spiderpool-aws: ")
    assert said in line


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_told() -> None:
    with Path("/dev/full").open("w") as full:
        code, said = start("policy", "check", POLICY, stdout=full.fileno())
    assert (code, said) == (1, "spiderpool-aws: the output: No space left on device\n")


def test_what_the_locale_cannot_show_is_written_otherwise(tmp_path: Path) -> None:
    text = Path(POLICY).read_text(encoding="utf-8").replace("name: workers", 'name: "w\N{HORIZONTAL ELLIPSIS}"')
    (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
    code, said = start("policy", "check", str(tmp_path / "policy.yaml"), PYTHONIOENCODING="ascii")
    assert (code, said) == (0, "")


def test_ctrl_c_while_the_program_is_still_loaded_is_no_stack_trace() -> None:
    assert start("plan", "--demo", before=INTERRUPTED) == (1, "spiderpool-aws: stopped\n")


def test_an_endpoint_that_is_no_url_is_told() -> None:
    code, said = start("dlq", "list", "--cluster", "prod", AWS_REGION="eu-west-1", AWS_ENDPOINT_URL="nonsense")
    assert (code, said) == (1, "spiderpool-aws: AWS cannot be asked: Invalid endpoint: nonsense\n")

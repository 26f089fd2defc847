"""cfn-lint, which knows CloudFormation's own schemas, says nothing about any template, in every mode."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.infrastructure.contexts import ROOT, modes
from tests.infrastructure.templates import templates

BROKEN = "broken"


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Return template -> what cfn-lint says with the project's own configuration; one start of it for all."""
    folder = tmp_path_factory.mktemp("templates")
    files = {
        f"{mode.replace(' ', '-')}-{stack}": json.dumps(template)
        for mode, context in modes().items()
        for stack, template in templates(**context).items()
    }
    files[BROKEN] = files["iam-authenticator-reconciler"].replace(
        '"VisibilityTimeout": 360', '"VisibilityTimeout": "soon"'
    )
    for name, text in files.items():
        (folder / f"{name}.template.json").write_text(text)
    program = str(Path(sys.executable).with_name("cfn-lint"))
    command = [program, "--config-file", str(ROOT / ".cfnlintrc.yaml"), "--format", "parseable"]
    done = subprocess.run(  # noqa: S603
        [*command, *folder.iterdir()], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    lines: dict[str, list[str]] = defaultdict(list)
    for line in done.stdout.splitlines():
        lines[Path(line.partition(":")[0]).name.removesuffix(".template.json")].append(line)
    return lines


def test_nothing_is_wrong_with_any_template(said: dict[str, list[str]]) -> None:
    assert {name: lines for name, lines in said.items() if name != BROKEN} == {}


def test_what_cloudformation_would_refuse_is_told(said: dict[str, list[str]]) -> None:
    assert "'soon' is not of type 'integer'" in " ".join(said[BROKEN])

"""cfn-lint, which knows CloudFormation's own schemas, says nothing about any template, in every mode."""

import json
import subprocess
import sys
from pathlib import Path

from tests.infrastructure.reconciler_template import ROOT, modes, synthesised


def lint(*templates: Path) -> str:
    """Return what cfn-lint says with the project's own configuration: nothing, when all is well."""
    command = [
        str(Path(sys.executable).with_name("cfn-lint")),
        "--config-file",
        str(ROOT / ".cfnlintrc.yaml"),
        "--format",
        "parseable",
    ]
    done = subprocess.run([*command, *templates], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.stderr == ""
    return done.stdout


def test_nothing_is_wrong_with_any_template(tmp_path: Path) -> None:
    files = []
    for mode, context in modes().items():
        for stack, template in synthesised(**context).items():
            files.append(tmp_path / f"{mode.replace(' ', '-')}-{stack}.template.json")
            files[-1].write_text(json.dumps(template))
    assert lint(*files) == ""


def test_what_cloudformation_would_refuse_is_told(tmp_path: Path) -> None:
    broken = json.loads(json.dumps(synthesised(**modes()["alone"])["reconciler"]))
    queue = next(name for name, resource in broken["Resources"].items() if resource["Type"] == "AWS::SQS::Queue")
    broken["Resources"][queue]["Properties"]["VisibilityTimeout"] = "soon"
    file = tmp_path / "broken.template.json"
    file.write_text(json.dumps(broken))
    assert "'soon' is not of type 'integer'" in lint(file)

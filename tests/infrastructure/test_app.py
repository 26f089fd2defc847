"""`python app.py` by itself: no AWS API, no credentials, no CDK CLI."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.infrastructure.contexts import ROOT, alone
from tests.infrastructure.templates import needs_node


def app(out: Path, **context: object) -> subprocess.CompletedProcess[str]:
    """Run the app with nothing in its environment but what it needs, without bundling."""
    needs_node()
    return subprocess.run(  # noqa: S603 - our own app
        [sys.executable, str(ROOT / "app.py")],
        cwd=ROOT,
        env={
            "PATH": str(Path(shutil.which("node") or "").parent),
            "PYTHONPATH": ":".join(sys.path[1:]),
            "CDK_CONTEXT_JSON": json.dumps({"aws:cdk:bundling-stacks": []} | context),
            "CDK_OUTDIR": str(out),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_app_writes_its_templates_and_says_nothing(tmp_path: Path) -> None:
    run = app(tmp_path, **alone())
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert [file.name for file in tmp_path.glob("*.template.json")] == ["spiderpool-aws-demo-reconciler.template.json"]


def test_a_bad_context_stops_the_app_with_that_line_and_nothing_else(tmp_path: Path) -> None:
    run = app(tmp_path, vpcCird="10.0.0.0/16")
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == "context vpcCird: unknown key, did you mean 'vpcCidr'?\n"
    assert not (tmp_path / "manifest.json").exists()


def test_without_the_cli_the_context_is_that_of_cdk_json(tmp_path: Path) -> None:
    needs_node()
    (tmp_path / "cdk.json").write_text(json.dumps({"context": {"vpcCird": "10.0.0.0/16"}}))
    run = subprocess.run(  # noqa: S603 - our own app
        [sys.executable, str(ROOT / "app.py")],
        cwd=tmp_path,
        env={
            "PATH": str(Path(shutil.which("node") or "").parent),
            "PYTHONPATH": ":".join([str(ROOT), *sys.path[1:]]),
            "CDK_OUTDIR": str(tmp_path / "out"),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == "context vpcCird: unknown key, did you mean 'vpcCidr'?\n"


def test_without_node_the_app_says_so_in_one_line(tmp_path: Path) -> None:
    run = subprocess.run(  # noqa: S603 - our own app
        [sys.executable, str(ROOT / "app.py")],
        cwd=ROOT,
        env={"PATH": str(tmp_path), "PYTHONPATH": ":".join(sys.path[1:])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == "CDK runs on Node.js, and there is no `node` on the PATH: install Node.js 20 or newer\n"


def test_what_we_warn_of_is_a_line_each_and_nothing_else_is_said(tmp_path: Path) -> None:
    needs_node()
    from aws_cdk import Annotations, Stack

    from stacks.build import App, warnings

    app = App(outdir=str(tmp_path))
    stack = Stack(app, "Test")
    Annotations.of(stack).add_warning_v2("spiderpool-aws:no-bytecode", "there is no Python 3.13")
    Annotations.of(stack).add_warning_v2("@aws-cdk/aws-ec2:noSubnetRouteTableId", "nobody can help it")
    (line,) = warnings(app.synth())
    assert line.startswith("warning: /Test: there is no Python 3.13")
    assert "\n" not in line

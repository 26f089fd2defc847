"""cdk-nag's AwsSolutions rules find nothing, in every mode, but what is acknowledged with a reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.infrastructure.reconciler_template import POLICY, WITHOUT_IPV6, built, modes


def findings(context: dict[str, Any]) -> list[str]:
    """Return what the rules find and nobody has acknowledged."""
    policy = POLICY if context.get("ipv6", True) else WITHOUT_IPV6
    with built(policy, context) as (app, _):
        from aws_cdk import Validations
        from cdk_nag import AwsSolutionsChecks

        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
        try:
            app.synth()
        except RuntimeError as failed:
            assert "ValidationFailed" in str(failed), failed  # noqa: PT017 - the report says more than the error
        report = json.loads(Path(app.outdir, "validation-report.json").read_text())
    return [line for part in report["pluginReports"] for line in _lines(part)]


def _lines(part: dict[str, Any]) -> list[str]:
    assert part["conclusion"] in ("success", "failure")
    return [
        f"{violation['ruleName']}: {construct.get('constructPath')}"
        for violation in part["violations"]
        for construct in violation["violatingConstructs"]
    ]


@pytest.mark.parametrize("mode", ["full", "alone", "without ipv6", "web-identity", "iam-authenticator"])
def test_nothing_is_found_that_is_not_acknowledged(mode: str) -> None:
    assert findings(modes()[mode]) == []

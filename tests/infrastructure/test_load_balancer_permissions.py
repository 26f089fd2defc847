"""AWS Load Balancer Controller's part of the nodes' role, against the policies that it publishes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.infrastructure.contexts import Json
from tests.infrastructure.templates import nodes_template, plain, strings

DATA = Path(__file__).parents[3] / "shared" / "data"
PUBLISHED = [DATA / f"aws-load-balancer-controller-iam-policy-{version}.json" for version in ("v2.6.0", "v3.5")]

compares = pytest.mark.skipif(
    not DATA.exists(), reason="the published policies are not beside the checkout (../shared/data)"
)


@dataclass(frozen=True)
class Grant:
    """One action on one resource, under conditions as `operator key=values`."""

    action: str
    resource: str
    conditions: frozenset[str]

    def covers(self, other: "Grant") -> bool:
        """Tell whether whatever the other allows is allowed here, too."""
        return (
            self.action == other.action
            and fnmatchcase(other.resource, self.resource)
            and self.conditions <= other.conditions
        )


def grants(statements: list[Json]) -> Iterator[Grant]:
    """Yield a grant for each action and resource."""
    for statement in statements:
        assert statement["Effect"] == "Allow"
        conditions = frozenset(
            f"{operator} {key}={','.join(sorted(as_list(values)))}"
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
        for action in as_list(statement["Action"]):
            for resource in as_list(statement["Resource"]):
                yield Grant(action, resource, conditions)


def as_list(value: object) -> list[str]:
    """Return one value or several as a list."""
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def ours() -> list[Grant]:
    """Return the controller's grants of the nodes' role."""
    statements = [s for s in nodes_template().statements("NodeRole") if s["Sid"].startswith("LoadBalancer")]
    resolved = plain(statements)
    assert isinstance(resolved, list)
    return list(grants(resolved))


def published(file: Path) -> list[Grant]:
    """Return the grants of a published policy."""
    return list(grants(json.loads(file.read_text(encoding="utf-8"))["Statement"]))


@compares
def test_the_files_compared_with_are_those_that_were_asked_for() -> None:
    assert [file.name for file in PUBLISHED if not file.exists()] == []


@compares
@pytest.mark.parametrize("file", PUBLISHED, ids=lambda file: file.stem)
def test_every_published_action_is_allowed_and_under_no_further_condition(file: Path) -> None:
    mine = ours()
    missing = [
        theirs
        for theirs in published(file)
        if not any(theirs.action == own.action and own.conditions <= theirs.conditions for own in mine)
    ]
    assert missing == []


@compares
def test_nothing_is_allowed_that_no_published_policy_allows() -> None:
    allowed = [theirs for file in PUBLISHED for theirs in published(file)]
    wider = [own for own in ours() if not any(theirs.covers(own) for theirs in allowed)]
    assert wider == []


def test_what_the_controller_changes_lies_in_this_account_and_region() -> None:
    services = ("ec2:", "elasticloadbalancing:")
    changing = {
        g.resource
        for g in ours()
        if g.action.startswith(services) and not g.action.split(":")[1].startswith(("Describe", "Get"))
    }
    assert [resource for resource in changing if ":eu-west-1:111122223333:" not in resource] == []


def test_in_china_the_same_permissions_name_chinas_partition() -> None:
    resolved = plain(nodes_template().statements("NodeRole"), "aws-cn")
    arns = [text for text in strings(resolved) if text.startswith("arn:")]
    assert arns
    assert [arn for arn in arns if not arn.startswith("arn:aws-cn:")] == []


def test_the_role_stays_below_iams_limit_for_inline_policies() -> None:
    # 10,240 characters without white space, all inline policies of a role together (IAM guide, "quotas").
    document = json.dumps(plain(nodes_template().statements("NodeRole"), "aws-us-gov"), separators=(",", ":"))
    assert len(document) < 10_240

"""IAM's policy simulator: what a deployed role may not do, and which kind of policy says so. Nothing is called.

Source: IAM API reference, SimulatePrincipalPolicy and EvaluationResult. `EvalDecision` is `allowed`, `implicitDeny` or
`explicitDeny`, and of several resources the most restrictive one. The role's permissions boundary and the service
control policies of its organization are judged with it: `AllowedByPermissionsBoundary`, also for each resource, and
`AllowedByOrganizations`. An answer has 100 results unless `MaxItems` says otherwise, or fewer, and then `IsTruncated`.
For a role no resource-based policy is judged, and a condition key that is not given counts as absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from spiderpool_aws.adapters.aws_errors import Call, aws_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from spiderpool_aws.permissions import Keys, Need

_ALLOWED = "allowed"
_TYPES = {"aws:TagKeys": "stringList", "sts:IdentityTokenAudience": "stringList", "sts:DurationSeconds": "numeric"}


class Denier(StrEnum):
    """What kind of policy keeps the role from it."""

    ORGANIZATION = "a service control policy"
    BOUNDARY = "the permissions boundary"
    STATEMENT = "a policy that denies it"
    NOBODY = "no policy allows it"


@dataclass(frozen=True, slots=True)
class Denied:
    """An action that the role lacks."""

    action: str
    by: Denier


def denied(client: Any, role_arn: str, need: Need) -> list[Denied]:
    """Return what of a need IAM would deny the role. Raises Refused `Forbidden` where the caller may not ask."""
    with aws_errors("iam:SimulatePrincipalPolicy", role_arn, Call.IDEMPOTENT):
        pages = client.get_paginator("simulate_principal_policy").paginate(
            PolicySourceArn=role_arn,
            ActionNames=list(need.actions),
            ResourceArns=list(need.arns),
            ContextEntries=list(_entries(need.keys)),
        )
        results = [result for page in pages for result in page["EvaluationResults"]]
    return [Denied(one["EvalActionName"], _denier(one)) for one in results if one["EvalDecision"] != _ALLOWED]


def _entries(keys: Keys) -> Iterator[dict[str, Any]]:
    for name, values in keys.items():
        yield {
            "ContextKeyName": name,
            "ContextKeyValues": list(values),
            "ContextKeyType": _TYPES.get(name, "string"),
        }


def _denier(result: Mapping[str, Any]) -> Denier:
    if not result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True):
        return Denier.ORGANIZATION
    boundaries = [one.get("PermissionsBoundaryDecisionDetail", {}) for one in _with_resources(result)]
    if not all(boundary.get("AllowedByPermissionsBoundary", True) for boundary in boundaries):
        return Denier.BOUNDARY
    return Denier.STATEMENT if result["EvalDecision"] == "explicitDeny" else Denier.NOBODY


def _with_resources(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [result, *result.get("ResourceSpecificResults", ())]

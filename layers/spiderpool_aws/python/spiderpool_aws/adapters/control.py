"""What people have said, in two SSM parameters: the policy and the fuse."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from spiderpool_aws.adapters.aws_errors import aws_errors
from spiderpool_aws.domain.errors import PolicyError
from spiderpool_aws.domain.policy import Policy, parse_policy
from spiderpool_aws.domain.request import Control, Fuse, FuseState

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

    from spiderpool_aws.ports import Reporter

HISTORY_PAGE = 50
# A standard parameter holds 4 KB, and a character has up to 4 bytes; only the reason has no bound of its own.
REASON_CHARACTERS = 800


class SsmControl:
    """Implements `ControlPort` over a boto3 SSM client. One GetParameters reads both.

    A policy that is not valid changes nothing: the newest valid version of the parameter's history stays in force. The
    outcome is remembered for as long as the parameter stays what it is.
    """

    def __init__(self, ssm: SSMClient, policy_parameter: str, fuse_parameter: str, reporter: Reporter) -> None:
        self._ssm = ssm
        self._policy_parameter = policy_parameter
        self._fuse_parameter = fuse_parameter
        self._reporter = reporter
        self._judged: tuple[tuple[int, str], tuple[Policy | None, str]] | None = None

    def read(self) -> Control:
        """Return what is in force; a parameter of the fuse that is not there means that it is whole."""
        names = [self._policy_parameter, self._fuse_parameter]
        with aws_errors("ssm:GetParameters", " and ".join(names)):
            answer = self._ssm.get_parameters(Names=names, WithDecryption=True)
        found = {parameter["Name"]: parameter for parameter in answer["Parameters"]}
        fuse = self._fuse(found[self._fuse_parameter]["Value"]) if self._fuse_parameter in found else Fuse()
        newest = found.get(self._policy_parameter)
        if newest is None:
            problem = f"the parameter {self._policy_parameter} does not exist: put the policy there"
            return Control(policy=None, fuse=fuse, problem=problem)
        key = (newest["Version"], newest["Value"])
        if self._judged is None or self._judged[0] != key:
            self._judged = (key, self._judge(*key))
        policy, problem = self._judged[1]
        return Control(policy=policy, fuse=fuse, problem=problem)

    def write_fuse(self, fuse: Fuse) -> None:
        """Store the fuse's state."""
        document = {
            "state": str(fuse.state),
            "digest": fuse.digest,
            "reason": fuse.reason[:REASON_CHARACTERS],
            "since": fuse.since.isoformat() if fuse.since else None,
        }
        with aws_errors("ssm:PutParameter", self._fuse_parameter):
            self._ssm.put_parameter(
                Name=self._fuse_parameter, Value=json.dumps(document, ensure_ascii=False), Type="String", Overwrite=True
            )

    def _judge(self, version: int, text: str) -> tuple[Policy | None, str]:
        """Return the policy in force and why it is not the newest version."""
        try:
            return parse_policy(text), ""
        except PolicyError as error:
            what = f"version {version} of the policy {self._policy_parameter} is not valid"
            why = str(error)
        for older, older_text in self._history():
            if older >= version:
                continue
            try:
                return parse_policy(older_text), f"{what}, version {older} stays in force:\n{why}"
            except PolicyError:
                continue
        return None, f"{what}, nor is any version before it, so nothing is done:\n{why}"

    def _history(self) -> list[tuple[int, str]]:
        """Return all versions, the newest first. SSM keeps 100, and lists the oldest first."""
        versions = []
        with aws_errors("ssm:GetParameterHistory", self._policy_parameter):
            paginator = self._ssm.get_paginator("get_parameter_history")
            for page in paginator.paginate(
                Name=self._policy_parameter, WithDecryption=True, PaginationConfig={"PageSize": HISTORY_PAGE}
            ):
                versions += [(item["Version"], item["Value"]) for item in page["Parameters"]]
        return sorted(versions, reverse=True)

    def _fuse(self, text: str) -> Fuse:
        try:
            return _parse_fuse(text)
        except (ValueError, KeyError, TypeError) as error:
            # On the safe side: who cannot tell whether removals are held, holds them.
            reason = (
                f"the parameter {self._fuse_parameter} cannot be read ({error!r}): delete it to make the fuse whole"
            )
            self._reporter.warning(reason)
            return Fuse(state=FuseState.TRIPPED, reason=reason)


def _parse_fuse(text: str) -> Fuse:
    document: Any = json.loads(text)
    if not isinstance(document, dict):
        raise TypeError("it is not a JSON object")
    since = datetime.fromisoformat(document["since"]) if document.get("since") else None
    if since is not None and since.tzinfo is None:
        raise ValueError("since has no time zone")
    return Fuse(
        state=FuseState(document["state"]),
        digest=str(document.get("digest", "")),
        reason=str(document.get("reason", "")),
        since=since,
    )

"""What people have said, in two SSM parameters: the policy and the fuse."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from spiderpool_aws.adapters.aws_errors import aws_errors
from spiderpool_aws.domain.control import Control, PolicyVersion, policy_in_force
from spiderpool_aws.domain.fuse import Fuse, parse_fuse

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

    from spiderpool_aws.domain.policy.model import Policy
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
            version = PolicyVersion(newest["Version"], newest["Value"])
            self._judged = (key, policy_in_force(version, self._history, self._policy_parameter))
        policy, problem = self._judged[1]
        return Control(policy=policy, fuse=fuse, problem=problem)

    def write_fuse(self, fuse: Fuse, *, instead_of: Fuse) -> bool:
        """Store the fuse, unless by now it is another one than that which it should replace; tell whether it was done.

        SSM writes unconditionally, so the parameter is read again just before: two resyncs may overlap.
        """
        with aws_errors("ssm:GetParameters", self._fuse_parameter):
            found = self._ssm.get_parameters(Names=[self._fuse_parameter], WithDecryption=True)["Parameters"]
        known = self._fuse(found[0]["Value"]) if found else Fuse()
        if known == fuse:
            return True
        if known != instead_of:
            return False
        document = replace(fuse, reason=fuse.reason[:REASON_CHARACTERS]).to_document()
        with aws_errors("ssm:PutParameter", self._fuse_parameter):
            self._ssm.put_parameter(
                Name=self._fuse_parameter, Value=json.dumps(document, ensure_ascii=False), Type="String", Overwrite=True
            )
        return True

    def _fuse(self, text: str) -> Fuse:
        fuse = parse_fuse(text, f"the parameter {self._fuse_parameter}")
        if fuse.held and not fuse.digest:
            self._reporter.warning(fuse.reason)
        return fuse

    def _history(self) -> list[PolicyVersion]:
        """Return all versions: SSM keeps 100."""
        versions: list[PolicyVersion] = []
        with aws_errors("ssm:GetParameterHistory", self._policy_parameter):
            paginator = self._ssm.get_paginator("get_parameter_history")
            for page in paginator.paginate(
                Name=self._policy_parameter, WithDecryption=True, PaginationConfig={"PageSize": HISTORY_PAGE}
            ):
                versions += [PolicyVersion(item["Version"], item["Value"]) for item in page["Parameters"]]
        return versions

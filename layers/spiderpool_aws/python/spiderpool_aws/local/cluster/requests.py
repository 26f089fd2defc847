"""A request as it arrives: its body and options read, and the write that it asks for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spiderpool_aws.local.cluster.answers import (
    Answer,
    GroupName,
    Json,
    bad_request,
    forbidden_field,
    invalid,
    method_not_allowed,
    required_value,
    unsupported_media_type,
)
from spiderpool_aws.local.cluster.patches import json_patch, merge_patch, strategic_merge_patch
from spiderpool_aws.local.cluster.resources import Resource, Target
from spiderpool_aws.local.cluster.writes import Caller, Writes

APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
_OPTIONS = GroupName("meta.k8s.io", "PatchOptions")


@dataclass(frozen=True, slots=True)
class Request:
    """Method, path, query and headers (names in lower case), and the body, decoded or not."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes | Json | list[Any] | None

    @property
    def content_type(self) -> str:
        """The media type without parameters."""
        return self.headers.get("content-type", "application/json").partition(";")[0].strip().lower()

    @property
    def is_apply(self) -> bool:
        """Whether this is a server-side apply."""
        return self.method == "PATCH" and self.content_type == APPLY

    def document(self) -> Any:
        """Return the decoded body: JSON, or YAML for an apply. Raises the 400 of one that cannot be read."""
        if not isinstance(self.body, bytes):
            return self.body
        if not self.body:
            return None
        try:
            return json.loads(self.body)
        except ValueError:
            if not self.is_apply:
                raise bad_request(f"the object provided is unrecognized: {self.body[:40]!r} is not JSON") from None
        return _from_yaml(self.body)

    def object(self) -> Json:
        """Return the decoded body, which has to be an object."""
        document = self.document()
        if not isinstance(document, dict) or not isinstance(document.get("metadata", {}), dict):
            raise bad_request("the request needs an object as its body")
        return document

    def caller(self, user: str) -> Caller:
        """Return who writes: the field manager is the query's, else the client program's name."""
        agent = self.headers.get("user-agent", "unknown").partition("/")[0]
        return Caller(user, self.query.get("fieldManager") or agent, bool(self.query.get("dryRun")))


def _from_yaml(body: bytes) -> Any:
    import yaml

    try:
        return yaml.safe_load(body)
    except yaml.YAMLError as error:
        raise bad_request(f"error decoding YAML: {error}") from None


def write(writes: Writes, target: Target, request: Request, user: str) -> Answer:
    """Do what a POST, PUT, PATCH or DELETE asks for."""
    caller = request.caller(user)
    _check_dry_run(request.query.get("dryRun", ""))
    if bool(target.name) == (request.method == "POST"):
        raise method_not_allowed()
    if request.method == "POST":
        if target.resource.namespaced and not target.namespace:
            raise method_not_allowed()
        return writes.create(target, request.object(), caller)
    if request.method == "PUT":
        return writes.replace(target, request.object(), caller)
    if request.method == "DELETE":
        return _delete(writes, target, request, caller)
    return _patch(writes, target, request, caller)


def _check_dry_run(value: str) -> None:
    if value not in ("", "All"):
        raise invalid(_OPTIONS, "", [forbidden_field("dryRun", f"unsupported value {value}, supported: All")])


def _delete(writes: Writes, target: Target, request: Request, caller: Caller) -> Answer:
    options = request.document() or {}
    if not isinstance(options, dict) or target.subresource:
        raise bad_request("the request needs DeleteOptions as its body")
    if "gracePeriodSeconds" in request.query:
        options = {**options, "gracePeriodSeconds": int(request.query["gracePeriodSeconds"])}
    if options.get("dryRun"):
        caller = Caller(caller.user, caller.manager, dry_run=True)
    return writes.delete(target, options, caller)


def _patch(writes: Writes, target: Target, request: Request, caller: Caller) -> Answer:
    kind, force = request.content_type, request.query.get("force") == "true"
    accepted = _accepted(target.resource)
    if kind not in accepted:
        raise unsupported_media_type(accepted)
    if kind == APPLY:
        if not request.query.get("fieldManager"):
            raise invalid(_OPTIONS, "", [required_value("fieldManager", "is required for apply patch")])
        return writes.apply(target, request.object(), caller, force)
    if force:
        raise invalid(_OPTIONS, "", [forbidden_field("force", "may not be specified for non-apply patch")])
    if kind == JSON_PATCH:
        operations = request.document()
        return writes.patch(target, lambda obj: json_patch(obj, operations), caller)
    change = request.object()
    merge = merge_patch if kind == MERGE_PATCH else strategic_merge_patch
    return writes.patch(target, lambda obj: merge(obj, change), caller)


def _accepted(resource: Resource) -> tuple[str, ...]:
    """Custom resources have no strategic merge patch."""
    general = (JSON_PATCH, MERGE_PATCH, APPLY)
    return general if resource.custom else (JSON_PATCH, MERGE_PATCH, STRATEGIC, APPLY)

"""What the server itself does with `metadata`: names, identity, generation, and how `managedFields` is shown."""

import re
from datetime import datetime

from spiderpool_aws.local.cluster.answers import (
    ApiError,
    Cause,
    Json,
    bad_request,
    conflict,
    forbidden_field,
    immutable_field,
    invalid,
    invalid_value,
    required_value,
    stale,
)
from spiderpool_aws.local.cluster.ownership import Managers, timestamp
from spiderpool_aws.local.cluster.resources import Resource, Target
from spiderpool_aws.local.cluster.store import Record

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_LABEL_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation "
    "is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_LIMIT = 63
# Fields that a client sends back as it read them; the server keeps its own.
_SERVERS = ("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink")


def check_body(target: Target, body: Json) -> None:
    """Refuse a body that says to be of another kind, name or namespace than the path."""
    resource = target.resource
    said = (body.get("apiVersion", resource.api_version), body.get("kind", resource.kind))
    if said != (resource.api_version, resource.kind):
        api, kind = said
        text = f"does not match the expected API version and kind ({resource.api_version}, Kind={resource.kind})"
        raise bad_request(f"the object provided ({api}, Kind={kind}) {text}")
    metadata = body.get("metadata") or {}
    name = metadata.get("name", "")
    if target.name and name and name != target.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({target.name})")
    namespace = metadata.get("namespace", "")
    if target.namespace and namespace and namespace != target.namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        )


def new_metadata(target: Target, body: Json, uid: str, now: datetime, number: int) -> Json:
    """Return the metadata of an object that is created now."""
    sent = body.get("metadata") or {}
    kept = {key: value for key, value in sent.items() if key not in (*_SERVERS, "managedFields", "resourceVersion")}
    if not (target.name or kept.get("name")) and kept.get("generateName"):
        # Five characters, as the server appends; from a counter, so that two runs give the same names.
        kept["name"] = f"{kept['generateName']}{number:05d}"
    kept["name"] = target.name or kept.get("name", "")
    if target.resource.namespaced:
        kept["namespace"] = target.namespace
    metadata = {**kept, "uid": uid, "creationTimestamp": timestamp(now)}
    return {**metadata, "generation": 1} if target.resource.custom else metadata


def keep_identity(resource: Resource, old: Json, new: Json) -> Json:
    """Return the new state with the metadata that no write can change. Raises what the server says to attempts."""
    before, after = old["metadata"], dict(new["metadata"])
    name = before["name"]
    sent_version = after.get("resourceVersion", before["resourceVersion"])
    if sent_version not in (before["resourceVersion"], ""):
        raise stale(resource.resource_name, name)
    causes = []
    if after.get("uid", before["uid"]) != before["uid"]:
        causes.append(immutable_field("metadata.uid", after["uid"]))
    added = set(after.get("finalizers", ())) - set(before.get("finalizers", ()))
    if "deletionTimestamp" in before and added:
        why = "no new finalizers can be added if the object is being deleted, found new finalizers"
        causes.append(forbidden_field("metadata.finalizers", f"{why} {sorted(added)}"))
    if causes:
        raise invalid(resource.kind_name, name, causes)
    for key in (*_SERVERS, "uid", "name", "namespace", "resourceVersion"):
        after.pop(key, None)
        if key in before:
            after[key] = before[key]
    after.pop("managedFields", None)
    return {**new, "metadata": after}


def metadata_violations(metadata: Json) -> list[Cause]:
    """Return what is wrong with a new object's name, or an object's labels."""
    causes = []
    name = metadata.get("name", "")
    if not name:
        causes.append(required_value("metadata.name", "name or generateName is required"))
    elif not _NAME.fullmatch(name):
        causes.append(invalid_value("metadata.name", name, _NAME_RULE))
    for key, value in (metadata.get("labels") or {}).items():
        if not _LABEL_KEY.fullmatch(key) or len(key.rpartition("/")[2]) > _LIMIT:
            causes.append(invalid_value("metadata.labels", key, "name part must consist of alphanumeric characters"))
        elif isinstance(value, str) and len(value) > _LIMIT:
            causes.append(invalid_value("metadata.labels", value, f"must be no more than {_LIMIT} characters"))
        elif isinstance(value, str) and not _LABEL_VALUE.fullmatch(value):
            causes.append(invalid_value("metadata.labels", value, _LABEL_RULE))
    return causes


def check_preconditions(resource: Resource, obj: Json, preconditions: Json) -> None:
    """Refuse a deletion whose uid or resourceVersion is not the object's."""
    metadata = obj["metadata"]
    for key, title, change in (
        ("uid", "UID", "deleted and then recreated"),
        ("resourceVersion", "ResourceVersion", "modified"),
    ):
        wanted = preconditions.get(key)
        if wanted is not None and wanted != metadata[key]:
            why = (
                f"the {title} in the precondition ({wanted}) does not match the {title} in record "
                f"({metadata[key]}). The object might have been {change}"
            )
            raise conflict(resource.kind_name, metadata["name"], why)


def replaced_uid(resource: Resource, obj: Json, sent: str) -> ApiError:
    """409 for a PUT with another object's uid: there the uid is a precondition, not a field."""
    name, uid = obj["metadata"]["name"], obj["metadata"]["uid"]
    why = f"Precondition failed: UID in precondition: {sent}, UID in object meta: {uid}"
    return conflict(resource.resource_name, name, f"StorageError: invalid object, Code: 4, AdditionalErrorMsg: {why}")


def unmanaged(obj: Json) -> Json:
    """Return an object without its `managedFields`, which the record holds beside it."""
    return {**obj, "metadata": {key: value for key, value in obj["metadata"].items() if key != "managedFields"}}


def content(obj: Json) -> Json:
    """Return what counts when two states are compared: everything but version and managedFields."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in ("resourceVersion", "managedFields")}
    return {**obj, "metadata": metadata}


def raises_generation(resource: Resource, old: Json, new: Json) -> bool:
    """Say whether a change is one of the desired state: custom resources count those."""
    ignored = ("metadata", "status") if resource.has_status else ("metadata",)
    return resource.custom and any(old.get(key) != new.get(key) for key in {**old, **new} if key not in ignored)


def sealed(obj: Json, managers: Managers, version: str) -> Record:
    """Return the record for a state: with its version, and its managers as clients see them."""
    metadata = {**obj["metadata"], "resourceVersion": version}
    if managers:
        metadata["managedFields"] = [entry.to_json() for entry in managers]
    return Record({**obj, "metadata": metadata}, managers)


def same_fields(old: Managers, new: Managers) -> bool:
    """Say whether the same managers own the same fields, whenever they wrote."""
    return {entry.identity: entry.fields for entry in old} == {entry.identity: entry.fields for entry in new}

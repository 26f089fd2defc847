"""Answers and errors of the API: `Status` objects with Kubernetes' codes, reasons and wording."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request got: HTTP status, decoded body (shared with the store: never change it), headers."""

    status: int
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason why an object is invalid: the field's path, Kubernetes' cause reason, and the text after the path."""

    field: str
    reason: str
    message: str

    def to_json(self) -> Json:
        """Return the cause as `details.causes` lists it."""
        return {"reason": self.reason, "message": self.message, "field": self.field}


class ApiError(Exception):
    """A request that is answered with a failure `Status`; it changed nothing."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body.get("message", ""))
        self.answer = answer


@dataclass(frozen=True, slots=True)
class GroupName:
    """A resource (`spiderippools`) or kind (`SpiderIPPool`) with its API group, as error texts name it."""

    group: str
    name: str

    def __str__(self) -> str:
        return f"{self.name}.{self.group}" if self.group else self.name

    def details(self, name: str) -> Json:
        """Return the `details` of a Status about the object of that name."""
        return {"name": name, **({"group": self.group} if self.group else {}), "kind": self.name}


def failure(
    code: int, reason: str, message: str, details: Json | None = None, headers: Mapping[str, str] | None = None
) -> ApiError:
    """Return the error for a failure Status; without a reason or details the Status has none."""
    body: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message}
    if reason:
        body["reason"] = reason
    if details is not None:
        body["details"] = details
    return ApiError(Answer(code, {**body, "code": code}, headers or {}))


def not_found(what: GroupName, name: str) -> ApiError:
    """404: no such object."""
    return failure(404, "NotFound", f'{what} "{name}" not found', what.details(name))


def no_such_path() -> ApiError:
    """404: the server does not serve this path."""
    return failure(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(what: GroupName, name: str) -> ApiError:
    """409 on create."""
    return failure(409, "AlreadyExists", f'{what} "{name}" already exists', what.details(name))


def conflict(what: GroupName, name: str, why: str) -> ApiError:
    """409: a precondition, or a resourceVersion that is no longer the newest."""
    message = f'Operation cannot be fulfilled on {what} "{name}": {why}'
    return failure(409, "Conflict", message, what.details(name))


def stale(what: GroupName, name: str) -> ApiError:
    """409: the resourceVersion sent is not the newest."""
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(what, name, why)


def bad_request(message: str) -> ApiError:
    """400: the request itself is wrong."""
    return failure(400, "BadRequest", message)


def invalid(kind: GroupName, name: str, causes: Sequence[Cause]) -> ApiError:
    """422: the object breaks a rule of its schema or of an admission webhook."""
    texts = [f"{cause.field}: {cause.message}" for cause in causes]
    listed = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details = {**kind.details(name), "causes": [cause.to_json() for cause in causes]}
    return failure(422, "Invalid", f'{kind} "{name}" is invalid: {listed}', details)


def denied(webhook: str, error: ApiError) -> ApiError:
    """Return the error as the API server passes it on from an admission webhook."""
    message = f'admission webhook "{webhook}" denied the request: {error.answer.body["message"]}'
    return ApiError(Answer(error.answer.status, {**error.answer.body, "message": message}, error.answer.headers))


def unauthorized() -> ApiError:
    """401: no token, or one that nobody has."""
    return failure(401, "Unauthorized", "Unauthorized")


def method_not_allowed() -> ApiError:
    """405: the path exists, the verb does not."""
    return failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def unsupported_media_type(accepted: Sequence[str]) -> ApiError:
    """415: a patch of a type that this resource does not take."""
    text = "the body of the request was in an unknown format - accepted media types include: " + ", ".join(accepted)
    return failure(415, "UnsupportedMediaType", text, {})


def immutable_field(path: str, value: object) -> Cause:
    """Return the cause for a change of a field that may not change."""
    return Cause(path, "FieldValueInvalid", f"Invalid value: {quoted(value)}: field is immutable")


def forbidden_field(path: str, why: str) -> Cause:
    """Return the cause that Go's `field.Forbidden` makes."""
    return Cause(path, "FieldValueForbidden", f"Forbidden: {why}")


def invalid_value(path: str, value: object, why: str) -> Cause:
    """Return the cause that Go's `field.Invalid` makes."""
    return Cause(path, "FieldValueInvalid", f"Invalid value: {quoted(value)}: {why}")


def required_value(path: str, why: str = "") -> Cause:
    """Return the cause that Go's `field.Required` makes."""
    return Cause(path, "FieldValueRequired", "Required value" + (f": {why}" if why else ""))


def unsupported_value(path: str, value: object, supported: Sequence[object]) -> Cause:
    """Return the cause that Go's `field.NotSupported` makes."""
    values = ", ".join(f'"{item}"' for item in supported)
    return Cause(path, "FieldValueNotSupported", f"Unsupported value: {quoted(value)}: supported values: {values}")


def quoted(value: object) -> str:
    """Return a value as Go prints it in such texts: strings in quotes, numbers and booleans bare."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)

"""The body of a message in the FIFO queue, written and read in one place: pure.

`{"subject": …, "eventId": …, "reason": …}`, and where the message says more than "look again" `hints` and `warnedAt`.
"""

import json
import re

from spiderpool_aws.domain.documents import read_object
from spiderpool_aws.domain.moments import read_moment
from spiderpool_aws.domain.request import Hint, ReconcileRequest

_SUBJECT = re.compile(r"(i|eni|eni-attach)-[0-9a-f]+")
_SHOWN = 200


def encode(request: ReconcileRequest) -> str:
    """Return a request as a message body, always the same text for the same request."""
    document: dict[str, str | list[str]] = {
        "subject": request.subject,
        "eventId": request.event_id,
        "reason": request.reason,
    }
    if request.hints:
        document["hints"] = sorted(request.hints)
    if request.warned_at is not None:
        document["warnedAt"] = request.warned_at.isoformat()
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def decode(text: str) -> ReconcileRequest:
    """Return the request of a message body; keys that a later version may add are passed over.

    Raises ValueError, and nothing else: it says what is wrong and shows the body's beginning. Any other error would end
    the function before anybody knows whom the message is about, and each batch that it comes with.
    """
    try:
        document = read_object(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"the message is not JSON ({error.msg} at {error.pos}): {text[:_SHOWN]!r}") from None
    except ValueError as error:
        raise ValueError(f"the message is no request ({error}): {text[:_SHOWN]!r}") from None
    for key in ("subject", "eventId", "reason"):
        if not isinstance(document.get(key), str):
            raise ValueError(f"the message has no text {key!r}: {text[:_SHOWN]!r}")
    if not _SUBJECT.fullmatch(document["subject"]):
        raise ValueError(
            f"the message's subject {document['subject'][:_SHOWN]!r} is no instance (i-…), ENI (eni-…) or attachment "
            "(eni-attach-…)"
        )
    if not document["eventId"]:
        raise ValueError(f"the message's eventId is empty: {text[:_SHOWN]!r}")
    return ReconcileRequest(
        subject=document["subject"],
        event_id=document["eventId"],
        reason=document["reason"],
        hints=_hints(document.get("hints")),
        warned_at=read_moment(document.get("warnedAt")),
    )


def decode_of_group(text: str, group: str) -> ReconcileRequest:
    """Return the request of a message of this message group. Raises ValueError, also when it is about another subject:
    the group is what keeps two workers from one instance.
    """
    request = decode(text)
    if request.subject != group:
        raise ValueError(f"the message is about {request.subject}, but in the group of {group}")
    return request


def _hints(given: object) -> frozenset[Hint]:
    """Return the hints; one that a later version may add is passed over."""
    told = [hint for hint in given if isinstance(hint, str)] if isinstance(given, list) else []
    return frozenset(Hint(hint) for hint in told if hint in set(Hint))

"""LIST: selectors, pages, and continue tokens that show the state of the first page until they expire."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from spiderpool_aws.local.clock import Clock
from spiderpool_aws.local.cluster.answers import ApiError, Json, bad_request, failure
from spiderpool_aws.local.cluster.resources import Target
from spiderpool_aws.local.cluster.selectors import fields_match, parse_fields, parse_labels
from spiderpool_aws.local.cluster.store import Store

_NEWEST = "-1"
_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results."
)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """All objects that a list found at a version: stored states never change, so this costs references only."""

    taken: datetime
    items: list[Json]


class Lister:
    """Answers LIST requests. A token is good for as long as etcd keeps old versions: five minutes."""

    def __init__(self, store: Store, clock: Clock, token_seconds: float) -> None:
        self._store = store
        self._clock = clock
        self._lifetime = timedelta(seconds=token_seconds)
        self._snapshots: dict[tuple[str, ...], _Snapshot] = {}

    def expire_tokens(self) -> None:
        """Compact now: every continue token handed out so far is too old."""
        self._snapshots.clear()

    def page(self, target: Target, query: Mapping[str, str]) -> Json:
        """Return one page of the list."""
        limit = _limit(query.get("limit", ""))
        selectors = (query.get("labelSelector", ""), query.get("fieldSelector", ""))
        version, start, items = self._store.version, None, None
        if token := query.get("continue", ""):
            version, start = _read_token(token)
            items = self._resume(target, selectors, version, start)
            version = self._store.version if version == _NEWEST else version
        if items is None:
            items = self._select(target, *selectors)
        rest = [item for item in items if _key(item) > start] if start is not None else items
        page = rest[:limit] if limit else rest
        metadata: Json = {"resourceVersion": version}
        if len(page) < len(rest):
            self._keep(target, selectors, version, items)
            metadata["continue"] = _token(version, _key(page[-1]))
            if not any(selectors):
                metadata["remainingItemCount"] = len(rest) - len(page)
        return {
            "apiVersion": target.resource.api_version,
            "kind": f"{target.resource.kind}List",
            "metadata": metadata,
            "items": page if target.resource.custom else [_untyped(item) for item in page],
        }

    def _resume(
        self, target: Target, selectors: tuple[str, str], version: str, start: tuple[str, str]
    ) -> list[Json] | None:
        if version == _NEWEST:
            return None
        snapshot = self._snapshots.get((target.label, target.namespace, *selectors, version))
        if snapshot is None or snapshot.taken + self._lifetime < self._clock.now():
            raise _expired(start)
        return snapshot.items

    def _keep(self, target: Target, selectors: tuple[str, str], version: str, items: list[Json]) -> None:
        now = self._clock.now()
        for key in [key for key, kept in self._snapshots.items() if kept.taken + self._lifetime < now]:
            del self._snapshots[key]
        self._snapshots.setdefault((target.label, target.namespace, *selectors, version), _Snapshot(now, items))

    def _select(self, target: Target, label_selector: str, field_selector: str) -> list[Json]:
        labels = parse_labels(label_selector)
        fields = parse_fields(target.resource, field_selector)
        indexed = next((one for one in labels if one.operator == "in" and "" not in one.values), None)
        plural = target.resource.plural
        if indexed is not None:
            found = self._store.with_label(plural, indexed.key, indexed.values)
        else:
            found = self._store.objects(plural)
        return [
            obj
            for obj in found
            if (not target.namespace or obj["metadata"]["namespace"] == target.namespace)
            and all(one.matches(obj["metadata"].get("labels") or {}) for one in labels)
            and (not fields or fields_match(fields, obj))
        ]


def _untyped(item: Json) -> Json:
    """Lists of core resources leave out the items' kind; lists of custom resources keep it."""
    return {key: value for key, value in item.items() if key not in ("apiVersion", "kind")}


def _key(item: Json) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def _limit(text: str) -> int:
    if text and not text.isdigit():
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text or 0)


def _token(version: str, start: tuple[str, str]) -> str:
    document = {"v": "meta.k8s.io/v1", "rv": int(version), "start": list(start)}
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def _read_token(token: str) -> tuple[str, tuple[str, str]]:
    try:
        document = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        namespace, name = document["start"]
        return str(int(document["rv"])), (str(namespace), str(name))
    except (ValueError, KeyError, TypeError):
        raise bad_request("continue key is not valid") from None


def _expired(start: tuple[str, str]) -> ApiError:
    error = failure(410, "Expired", _EXPIRED)
    error.answer.body["metadata"] = {"continue": _token(_NEWEST, start)}
    return error

"""Admission: Spiderpool's mutating and validating webhooks, and the rules that the API server has for core objects."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from spiderpool_aws.local.cluster.answers import (
    ApiError,
    Cause,
    Json,
    already_exists,
    denied,
    failure,
    forbidden_field,
    invalid,
    invalid_value,
)
from spiderpool_aws.local.cluster.multus import default_multus, multus_violation
from spiderpool_aws.local.cluster.pool_index import PoolIndex, allocations_of
from spiderpool_aws.local.cluster.pool_rules import FINALIZER, creation_violation, default_pool, update_violation
from spiderpool_aws.local.cluster.ranges import RangeError, merged, plain_range
from spiderpool_aws.local.cluster.resources import MULTUS, NODES, PODS, POOLS, RESERVED, Resource

POOL_WEBHOOK = "spiderippool.spiderpool.spidernet.io"
MULTUS_WEBHOOK = "spidermultusconfig.spiderpool.spidernet.io"
RESERVED_WEBHOOK = "spiderreservedip.spiderpool.spidernet.io"
_WEBHOOKS = {POOLS: POOL_WEBHOOK, MULTUS: MULTUS_WEBHOOK, RESERVED: RESERVED_WEBHOOK}
_MUTABLE_POD_FIELDS = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates")


@dataclass(slots=True)
class Admission:
    """The webhooks' configuration and what they look up.

    `protects_used_pools` is the chart's `enableValidatingResourcesDeletedWebhook`; `controller_up` false makes every
    write that needs a webhook fail; `checks_overlap` false is the moment in which two creates pass each other.
    """

    pools: PoolIndex
    protects_used_pools: bool = False
    controller_up: bool = True
    checks_overlap: bool = True

    def mutate(self, resource: Resource, obj: Json) -> Json:
        """Return the object as the mutating webhook leaves it."""
        if resource.plural in _WEBHOOKS and not self.controller_up:
            raise _webhook_unreachable(_WEBHOOKS[resource.plural])
        if resource.plural == POOLS:
            return default_pool(obj)
        if resource.plural == MULTUS:
            return default_multus(obj)
        if resource.plural == RESERVED:
            return _default_reserved(obj)
        return obj

    def validate_create(self, resource: Resource, obj: Json) -> None:
        """Refuse a new object as the validating webhook does."""
        name = obj["metadata"]["name"]
        if resource.plural == POOLS:
            existing = self.pools.get(name)
            if existing is not None and existing.version == obj["spec"].get("ipVersion"):
                raise denied(POOL_WEBHOOK, already_exists(resource.kind_name, name))
            self._refuse(resource, name, creation_violation(obj, self.pools, self.checks_overlap))
        elif resource.plural == MULTUS:
            self._refuse(resource, name, multus_violation(obj))
        elif resource.plural == RESERVED:
            self._refuse(resource, name, _reserved_violation(obj))

    def validate_update(self, resource: Resource, old: Json, new: Json) -> None:
        """Refuse a changed object as the validating webhook, or the API server's own validation, does."""
        name = new["metadata"]["name"]
        if resource.plural == POOLS:
            if "deletionTimestamp" in new["metadata"]:
                # Only the controller's last step passes: the update that takes the finalizer away.
                if FINALIZER in new["metadata"].get("finalizers", ()):
                    message = "forbidden: cannot update a terminating IPPool"
                    raise denied(POOL_WEBHOOK, failure(403, "Forbidden", message, {}))
                return
            self._refuse(resource, name, update_violation(old, new, self.pools, self.checks_overlap))
        elif resource.plural == MULTUS:
            self._refuse(resource, name, multus_violation(new))
        elif resource.plural == RESERVED:
            self._refuse(resource, name, _reserved_violation(new, old))
        elif cause := _core_violation(resource, old, new):
            raise invalid(resource.kind_name, name, [cause])

    def validate_delete(self, resource: Resource, obj: Json) -> None:
        """Refuse a deletion, where the chart's option says so."""
        count = len(allocations_of(obj)) if resource.plural == POOLS and self.protects_used_pools else 0
        if count:
            name = obj["metadata"]["name"]
            text = (
                f'{resource.resource_name} "{name}" is forbidden: cannot delete an IPPool with allocated IPs({count})'
            )
            raise denied(POOL_WEBHOOK, failure(403, "Forbidden", text, resource.resource_name.details(name)))

    @staticmethod
    def _refuse(resource: Resource, name: str, cause: Cause | None) -> None:
        if cause is not None:
            raise denied(_WEBHOOKS[resource.plural], invalid(resource.kind_name, name, [cause]))


def _webhook_unreachable(webhook: str) -> ApiError:
    message = (
        f'Internal error occurred: failed calling webhook "{webhook}": failed to call webhook: '
        "the service spiderpool-controller does not answer: connect: connection refused"
    )
    return failure(500, "InternalError", message, {"causes": [{"message": message.partition(": ")[2]}]})


def _core_violation(resource: Resource, old: Json, new: Json) -> Cause | None:
    before, after = old.get("spec", {}), new.get("spec", {})
    if resource.plural == NODES and before.get("providerID") and before["providerID"] != after.get("providerID"):
        why = 'node updates may not change providerID except from "" to valid'
        return forbidden_field("spec.providerID", why)
    if resource.plural == PODS and _frozen(before) != _frozen(after):
        why = (
            "pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
            "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
            "previously negative)"
        )
        return forbidden_field("spec", why)
    return None


def _frozen(spec: Json) -> Json:
    """Return what may not change in a Pod's spec."""
    frozen = {name: value for name, value in spec.items() if name not in _MUTABLE_POD_FIELDS}
    for name in ("containers", "initContainers"):
        frozen[name] = [{k: v for k, v in c.items() if k != "image"} for c in spec.get(name, ())]
    return frozen


def _default_reserved(obj: Json) -> Json:
    """Derive `ipVersion` from the first range and merge the ranges, as for a pool."""
    spec = dict(obj.get("spec", {}))
    ips = spec.get("ips", [])
    if "ipVersion" not in spec and ips and isinstance(ips[0], str):
        spec["ipVersion"] = 6 if ":" in ips[0] else 4
    if len(ips) > 1:
        # What cannot be read is left to the validating webhook.
        with suppress(KeyError, RangeError, AttributeError):
            spec["ips"] = merged(spec["ipVersion"], ips)
    return {**obj, "spec": spec}


def _reserved_violation(obj: Json, old: Json | None = None) -> Cause | None:
    """Return why a SpiderReservedIP is refused; two of them may overlap, and `ips` may be empty.

    As upstream's pkg/reservedipmanager has it since v2beta1; none of the recorded answers is about it. Not known to us:
    whether the cluster has the family enabled at all.
    """
    spec: dict[str, Any] = obj.get("spec", {})
    version = spec.get("ipVersion")
    if version is None:
        why = "is not generated correctly, 'spec.ips' is empty or 'spec.ips[0]' may be invalid"
        return invalid_value("spec.ipVersion", "null", why)
    if old is not None and old["spec"]["ipVersion"] != version:
        return forbidden_field("spec.ipVersion", "is not changeable")
    for number, text in enumerate(spec.get("ips", ())):
        try:
            plain_range(version, text)
        except RangeError as error:
            return invalid_value(f"spec.ips[{number}]", text, str(error))
    return None

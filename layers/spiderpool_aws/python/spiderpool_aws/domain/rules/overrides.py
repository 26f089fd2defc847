"""An instance's own tags say how much its NICs hold, whatever the policy says. Pure.

`spiderpool-aws/<device index>/ipv4` and `…/ipv6`: a whole number (of prefixes where the policy gives prefixes, else of
addresses), or `max`.
"""

import re
from collections.abc import Iterator

from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.instance import ObservedInstance
from spiderpool_aws.domain.policy.model import MOST, Group, Interface, Size
from spiderpool_aws.domain.rules.draft import Draft
from spiderpool_aws.metrics import Metric

_TAG = re.compile(r"spiderpool-aws/(\d+)/ipv([46])")


def override_tag(device_index: int, family: IPFamily) -> str:
    """Return the tag's key."""
    return f"spiderpool-aws/{device_index}/{str(family).lower()}"


def with_overrides(interface: Interface, instance: ObservedInstance) -> Interface:
    """Return the interface as the instance's tags want it; a value that says nothing is passed over."""
    said = {
        str(family).lower(): override
        for family, _, value, size in _overrides(interface, instance)
        if (override := _size(value, size)) is not None
    }
    return interface.model_copy(update=said) if said else interface


def report_tags(draft: Draft, group: Group, instance: ObservedInstance) -> None:
    """Report the tags that override nothing: by their value, or because the policy has no such NIC or family."""
    for interface in group.interfaces:
        for _, key, value, size in _overrides(interface, instance):
            if _size(value, size) is None:
                kind = "prefixes" if size.prefixes is not None else "addresses, or max"
                draft.report(
                    Metric.TAG_INVALID, f"{instance.instance_id} has the tag {key}={value!r}: give a number of {kind}"
                )
    useful = {override_tag(nic.device_index, family) for nic in group.interfaces for family in nic.families}
    indexes = {str(nic.device_index) for nic in group.interfaces}
    for key in sorted(instance.tags.keys() - useful):
        if found := _TAG.fullmatch(key):
            index, family = found[1], "IPv" + found[2]
            lacks = f"gives it no {family}" if index in indexes else f"names no device index {index}"
            draft.report(
                Metric.TAG_INVALID,
                f"{instance.instance_id} has the tag {key}, and the policy's group {group.name} {lacks}: add it there, "
                "or remove the tag",
            )


def _overrides(interface: Interface, instance: ObservedInstance) -> Iterator[tuple[IPFamily, str, str, Size]]:
    """Yield, for each family of an interface for which the instance has a tag: its key and value, the policy's size."""
    for family in interface.families:
        key, size = override_tag(interface.device_index, family), interface.size(family)
        if size is not None and (value := instance.tags.get(key)) is not None:
            yield family, key, value, size


def _size(value: str, size: Size) -> Size | None:
    if value == "max" and size.prefixes is None:
        return Size(addresses="max")
    if not (value.isascii() and value.isdigit() and len(value) <= len(str(MOST)) and 1 <= int(value) <= MOST):
        return None
    if size.prefixes is not None:
        return size.model_copy(update={"prefixes": int(value)})
    return Size(addresses=int(value))

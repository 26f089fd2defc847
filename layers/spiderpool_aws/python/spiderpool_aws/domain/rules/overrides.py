"""An instance's own tags say how much its NICs hold, whatever the policy says. Pure.

`spiderpool-aws/<device index>/ipv4` and `…/ipv6`: a whole number (of prefixes where the policy gives prefixes, else of
addresses), or `max`.
"""

import re

from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.instance import ObservedInstance
from spiderpool_aws.domain.policy.model import MOST, Group, Interface, Size
from spiderpool_aws.domain.rules.draft import Draft
from spiderpool_aws.metrics import Metric

_TAG = re.compile(r"spiderpool-aws/(\d+)/ipv([46])")


def override_tag(device_index: int, family: IPFamily) -> str:
    """Return the tag's key."""
    return f"spiderpool-aws/{device_index}/{str(family).lower()}"


def with_overrides(draft: Draft, interface: Interface, instance: ObservedInstance) -> Interface:
    """Return the interface as the instance's tags want it; a value that says nothing is reported and passed over."""
    changed: dict[str, Size] = {}
    for family in interface.families:
        key = override_tag(interface.device_index, family)
        value, size = instance.tags.get(key), interface.size(family)
        if value is None or size is None:
            continue
        override = _size(value, size)
        if override is None:
            kind = "prefixes" if size.prefixes is not None else "addresses, or max"
            draft.report(
                Metric.TAG_INVALID, f"{instance.instance_id} has the tag {key}={value!r}: give a number of {kind}"
            )
        else:
            changed[str(family).lower()] = override
    return interface.model_copy(update=changed) if changed else interface


def report_useless(draft: Draft, group: Group, instance: ObservedInstance) -> None:
    """Report the tags that override nothing: the policy names no such device index, or gives it no such family."""
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


def _size(value: str, size: Size) -> Size | None:
    if value == "max" and size.prefixes is None:
        return Size(addresses="max")
    if not (value.isascii() and value.isdigit() and len(value) <= len(str(MOST)) and 1 <= int(value) <= MOST):
        return None
    if size.prefixes is not None:
        return size.model_copy(update={"prefixes": int(value)})
    return Size(addresses=int(value))

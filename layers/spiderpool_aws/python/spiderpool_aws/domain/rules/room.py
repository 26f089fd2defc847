"""The IPv4 addresses that an action takes from a subnet, or gives back to it. IPv6 is never short."""

from spiderpool_aws.domain.actions.nics import Assign, CreateNic, Reassign, Unassign
from spiderpool_aws.domain.actions.plan import Action
from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.rules.desired import PREFIX_ADDRESSES


def room_taken(observed: ObservedNode, action: Action) -> tuple[str, int]:
    """Return the subnet of an action and how many of its addresses it takes; nothing, and 0, where it takes none."""
    if isinstance(action, CreateNic):
        wanted = action.amounts.get(IPFamily.IPV4)
        return action.subnet_id, 1 + (_addresses(wanted.count, prefixes=wanted.prefixes) if wanted is not None else 0)
    if isinstance(action, Assign) and action.family is IPFamily.IPV4:
        return _subnet_of(observed, action.eni_id), _addresses(action.count, prefixes=action.prefixes)
    if isinstance(action, Reassign) and action.has_room and action.addresses.family is IPFamily.IPV4:
        return _subnet_of(observed, action.eni_id), action.addresses.count()
    return "", 0


def room_given(observed: ObservedNode, action: Action) -> tuple[str, int]:
    """Return the subnet of an action that was done and how many addresses it has given back."""
    if isinstance(action, Unassign) and action.addresses.family is IPFamily.IPV4:
        return _subnet_of(observed, action.eni_id), action.addresses.count() + _addresses(
            len(action.prefixes), prefixes=True
        )
    return "", 0


def _addresses(count: int, *, prefixes: bool) -> int:
    return count * PREFIX_ADDRESSES if prefixes else count


def _subnet_of(observed: ObservedNode, eni_id: str) -> str:
    eni = observed.eni(eni_id)
    return eni.subnet_id if eni is not None else ""

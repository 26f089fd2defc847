"""What a pool's `ips`, `excludeIPs` and `status.allocatedIPs` say, spoiled or not: anybody may have written them.

A pool that is passed over lists nothing and protects nothing: what its NIC holds would be free to go back to the
subnet. So as much as can be read counts, and where nobody can tell what pods use, all that is listed counts as used.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from spiderpool_aws.domain.addresses import AddressError, AddressSet, IPFamily
from spiderpool_aws.domain.documents import read_object


@dataclass(frozen=True, slots=True)
class Allocations:
    """Which addresses pods use."""

    addresses: AddressSet
    users: Mapping[str, str] = field(default_factory=dict)
    """Address -> `namespace/pod`."""
    problem: str = ""


def read_ranges(family: IPFamily, texts: Iterable[str], where: str) -> tuple[AddressSet, tuple[str, ...]]:
    """Return the addresses of those texts that are ranges, and what is wrong with the others.

    The webhook lets a backward range pass; whoever wrote it, the addresses between count as listed.
    """
    texts = tuple(texts)
    try:
        return AddressSet.parse(family, texts, strict=False), ()
    except AddressError:
        pass
    good, problems = [], []
    for text in texts:
        try:
            AddressSet.parse(family, [text], strict=False)
        except AddressError as error:
            problems.append(f"{where}: {error}")
        else:
            good.append(text)
    return AddressSet.parse(family, good, strict=False), tuple(problems)


def read_allocations(text: str | None, listed: AddressSet) -> Allocations:
    """Return what a pool's `allocatedIPs` says; all that it lists, when that cannot be read."""
    try:
        records = read_object(text) if text else {}
        if not all(isinstance(record, dict) for record in records.values()):
            raise ValueError("a record is not a JSON object")
        addresses = AddressSet.of(listed.family, records)
        users = {address: str(record["pod"]) for address, record in records.items() if "pod" in record}
    except ValueError as error:
        return Allocations(listed, problem=f"status.allocatedIPs: {error}")
    return Allocations(addresses, users)

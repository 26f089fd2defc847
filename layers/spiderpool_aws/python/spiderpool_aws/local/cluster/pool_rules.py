"""Spiderpool's rules for a SpiderIPPool: what its mutating webhook sets, what its validating webhook refuses."""

from spiderpool_aws.local.cluster.answers import (
    Cause,
    Json,
    forbidden_field,
    invalid_value,
)
from spiderpool_aws.local.cluster.pool_index import PoolIndex, allocations_of
from spiderpool_aws.local.cluster.ranges import (
    RangeError,
    address,
    cidr,
    merged,
    parse_ranges,
    plain_range,
)

FINALIZER = "spiderpool.spidernet.io"
CIDR_LABEL = "ipam.spidernet.io/ippool-cidr"
_JOINT = "total IP addresses of an IPPool are jointly determined by 'spec.ips' and 'spec.excludeIPs'"


def default_pool(obj: Json) -> Json:
    """Return the pool with finalizer, CIDR label, `ipVersion`, and ranges sorted and merged.

    A step that fails leaves what comes after it undone: the validating webhook then says what is wrong.
    """
    metadata, spec = dict(obj["metadata"]), dict(obj.get("spec", {}))
    if "deletionTimestamp" in metadata:
        return obj
    if FINALIZER not in metadata.get("finalizers", ()):
        metadata["finalizers"] = [*metadata.get("finalizers", ()), FINALIZER]
    try:
        spec.setdefault("ipVersion", _version_of(spec.get("subnet", "")))
        label = str(cidr(spec["ipVersion"], spec.get("subnet", ""))).replace(".", "-").replace(":", "-")
        metadata["labels"] = {**metadata.get("labels", {}), CIDR_LABEL: label.replace("/", "-")}
        for name in ("ips", "excludeIPs"):
            if len(spec.get(name, ())) > 1:
                spec[name] = merged(spec["ipVersion"], spec[name])
    except (RangeError, TypeError, AttributeError):
        if spec.get("ipVersion") is None:
            spec.pop("ipVersion", None)
    return {**obj, "metadata": metadata, "spec": _without_empty_lists(spec)}


def _version_of(subnet: str) -> int | None:
    for version in (4, 6):
        try:
            cidr(version, subnet)
        except RangeError:
            continue
        return version
    return None


def _without_empty_lists(spec: Json) -> Json:
    """The webhook reads and writes Go structs, whose lists are `omitempty`."""
    return {name: value for name, value in spec.items() if value != []}


def creation_violation(obj: Json, pools: PoolIndex, checks_overlap: bool) -> Cause | None:
    """Return why a new pool is refused, in the order in which the webhook looks."""
    spec = obj["spec"]
    if spec.get("ipVersion") is None:
        why = "is not generated correctly, 'spec.subnet' may be invalid"
        return invalid_value("spec.ipVersion", "null", why)
    version, subnet = spec["ipVersion"], spec["subnet"]
    try:
        network = cidr(version, subnet)
    except RangeError as error:
        return invalid_value("spec.subnet", subnet, str(error))
    if str(network) != subnet:
        return invalid_value("spec.subnet", subnet, f"unformatted subnet {subnet}, please change it to {network}")
    other = pools.subnet_overlap(version, network, subnet)
    if other is not None:
        why = f"overlap with IPPool {other.name} which 'spec.subnet' is {other.subnet}"
        return invalid_value("spec.subnet", subnet, why)
    return _spec_violation(obj, pools, checks_overlap)


def update_violation(old: Json, new: Json, pools: PoolIndex, checks_overlap: bool) -> Cause | None:
    """Return why a changed pool is refused."""
    for name in ("ipVersion", "subnet"):
        if new["spec"].get(name) != old["spec"].get(name):
            return forbidden_field(f"spec.{name}", "is not changeable")
    return _spec_violation(new, pools, checks_overlap) or _in_use_violation(new)


def _spec_violation(obj: Json, pools: PoolIndex, checks_overlap: bool) -> Cause | None:
    spec, name = obj["spec"], obj["metadata"]["name"]
    subnet = spec["subnet"]
    try:
        ranges = parse_ranges(cidr(spec["ipVersion"], subnet), spec.get("ips", ()), spec.get("excludeIPs", ()))
    except RangeError as error:
        return invalid_value("spec.subnet", subnet, str(error))
    shared = pools.range_overlap(subnet, ranges, name) if checks_overlap else None
    if shared is not None:
        other, texts = shared
        return forbidden_field("spec.ips", f"overlap with IPPool {other} in IP ranges [{' '.join(texts)}], {_JOINT}")
    return _gateway_violation(spec) or _routes_violation(spec) or _affinity_violation(spec)


def _gateway_violation(spec: Json) -> Cause | None:
    gateway = spec.get("gateway")
    if gateway is None:
        return None
    cause = _outside_subnet(spec, "spec.gateway", gateway)
    if cause is not None or _position(spec, "excludeIPs", gateway) is not None:
        return cause
    at = _position(spec, "ips", gateway)
    if at is None:
        return None
    why = (
        f"conflicts with 'spec.gateway' {gateway}, add the gateway IP address to 'spec.excludeIPs' or remove it from "
        "'spec.ips'"
    )
    return invalid_value(f"spec.ips[{at}]", spec["ips"][at], why)


def _position(spec: Json, name: str, text: str) -> int | None:
    """Return which item of a list of ranges holds an address; a backward range holds none."""
    number = address(spec["ipVersion"], text)
    for at, item in enumerate(spec.get(name, ())):
        try:
            first, last = plain_range(spec["ipVersion"], item)
        except RangeError:
            continue
        if first <= number <= last:
            return at
    return None


def _outside_subnet(spec: Json, path: str, text: str) -> Cause | None:
    network = cidr(spec["ipVersion"], spec["subnet"])
    try:
        number = address(spec["ipVersion"], text)
    except RangeError as error:
        return invalid_value(path, text, str(error))
    if int(network.network_address) <= number <= int(network.broadcast_address):
        return None
    return invalid_value(path, text, f"not pertains to the 'spec.subnet' {spec['subnet']} of IPPool")


def _routes_violation(spec: Json) -> Cause | None:
    seen = set()
    for number, route in enumerate(spec.get("routes", ())):
        path, destination = f"spec.routes[{number}]", route["dst"]
        if destination == ("0.0.0.0/0" if spec["ipVersion"] == 4 else "::/0"):
            why = "please specify 'spec.gateway' to configure the default route"
            return invalid_value(f"{path}.dst", destination, why)
        if destination in seen:
            return invalid_value(f"{path}.dst", destination, "duplicate route with the same dst")
        seen.add(destination)
        try:
            cidr(spec["ipVersion"], destination)
        except RangeError as error:
            return invalid_value(f"{path}.dst", destination, str(error))
        if cause := _outside_subnet(spec, f"{path}.gw", route["gw"]):
            return cause
    return None


def _affinity_violation(spec: Json) -> Cause | None:
    affinity = spec.get("podAffinity")
    if affinity is not None and not affinity.get("matchLabels") and not affinity.get("matchExpressions"):
        return invalid_value("spec.podAffinity", "{}", "empty podAffinity is invalid for SpiderIPPool")
    return None


def _in_use_violation(pool: Json) -> Cause | None:
    """Refuse to take an address away from a pod. The allocator's own reader takes no backward range."""
    spec, name = pool["spec"], pool["metadata"]["name"]
    version = spec["ipVersion"]
    try:
        included = [plain_range(version, text) for text in spec.get("ips", ())]
        excluded = [plain_range(version, text) for text in spec.get("excludeIPs", ())]
    except RangeError as error:
        why = f"failed to assemble the total IP addresses of the IPPool {name}: {error}"
        return Cause("spec.ips", "InternalError", f"Internal error: {why}")
    for text, record in allocations_of(pool).items():
        number = address(version, text)
        held = any(a <= number <= b for a, b in included) and not any(a <= number <= b for a, b in excluded)
        if not held:
            pod = record.get("pod", "")
            why = f"remove an IP address {text} that is being used by Pod {pod}, {_JOINT}"
            return forbidden_field("spec.ips", why)
    return None

"""The resources that the double serves, in the double's own compact schemas, and how their paths are read."""

from dataclasses import dataclass

from spiderpool_aws.local.cluster.answers import GroupName, no_such_path
from spiderpool_aws.local.cluster.schema import ANY, Schema, array, boolean, integer, mapping, string, struct

POOLS = "spiderippools"
RESERVED = "spiderreservedips"
MULTUS = "spidermultusconfigs"
ATTACHMENTS = "network-attachment-definitions"
NODES = "nodes"
PODS = "pods"
NAMESPACES = "namespaces"
EVENTS = "events"
SPIDERPOOL = "spiderpool.spidernet.io"

_STRINGS = array(string())
_COUNT = integer(minimum=0)
_METADATA = struct({
    "name": string(), "generateName": string(), "namespace": string(), "uid": string(), "selfLink": string(),
    "resourceVersion": string(), "generation": integer(), "creationTimestamp": string(), "deletionTimestamp": string(),
    "deletionGracePeriodSeconds": integer(), "labels": mapping(string()), "annotations": mapping(string()),
    "finalizers": array(string(), list_type="set"), "managedFields": array(ANY),
    "ownerReferences": array(struct({
        "apiVersion": string(), "kind": string(), "name": string(), "uid": string(),
        "controller": boolean(), "blockOwnerDeletion": boolean(),
    }, required=("apiVersion", "kind", "name", "uid")), list_type="map", keys=("uid",)),
})  # fmt: skip
_SELECTOR = struct({
    "matchLabels": mapping(string()),
    "matchExpressions": array(struct({"key": string(), "operator": string(), "values": _STRINGS},
                                     required=("key", "operator"))),
}, atomic=True)  # fmt: skip


def _root(required: tuple[str, ...] = (), **parts: Schema) -> Schema:
    return struct({"apiVersion": string(), "kind": string(), "metadata": _METADATA, **parts}, required=required)


_POOL = _root(
    spec=struct({
        "default": boolean(default=False), "disable": boolean(default=False), "excludeIPs": _STRINGS,
        "gateway": string(), "ipVersion": integer(enum=(4, 6)), "ips": _STRINGS, "multusName": _STRINGS,
        "namespaceAffinity": _SELECTOR, "namespaceName": _STRINGS, "nodeAffinity": _SELECTOR, "nodeName": _STRINGS,
        "podAffinity": _SELECTOR, "subnet": string(),
        "routes": array(struct({"dst": string(), "gw": string()}, required=("dst", "gw"))),
    }, required=("subnet",)),
    status=struct({"allocatedIPCount": _COUNT, "allocatedIPs": string(), "totalIPCount": _COUNT}),
)  # fmt: skip
_RESERVED = _root(spec=struct({"ipVersion": integer(enum=(4, 6)), "ips": _STRINGS}))

_VLAN = integer(minimum=0, maximum=4094)
_IPPOOLS = struct({"ipv4": _STRINGS, "ipv6": _STRINGS, "matchMasterSubnet": boolean(default=False)})
_LINK = {
    "master": _STRINGS, "mtu": integer(minimum=0, default=0), "vlanID": _VLAN, "ippools": _IPPOOLS,
    "rdmaResourceName": string(),
    "bond": struct({"mode": integer(minimum=0, maximum=6), "name": string(), "options": string()},
                   required=("mode", "name")),
}  # fmt: skip
_COORDINATOR = struct({
    "hijackCIDR": _STRINGS, "hostRuleTable": integer(default=500), "podDefaultRouteNIC": string(),
    "mode": string(default="auto", enum=("auto", "underlay", "overlay", "disabled")),
    "podCIDRType": string(enum=("auto", "cluster", "calico", "cilium", "none")), "podMACPrefix": string(),
    "podRPFilter": integer(default=0), "tunePodRoutes": boolean(default=True), "txQueueLen": integer(default=0),
    "vethLinkAddress": string(), "vethMTU": integer(minimum=1),
    "policyRoutes": array(struct({"dst": string(), "gw": string()}, required=("dst", "gw"))),
})  # fmt: skip
CNI_TYPES = ("macvlan", "ipvlan", "vlan", "sriov", "ovs", "ib-sriov", "ipoib", "custom")
_MULTUS = _root(spec=struct({
    "chainCNIJsonData": _STRINGS, "cniType": string(default="custom", enum=CNI_TYPES), "coordinator": _COORDINATOR,
    "customCNI": string(), "disableIPAM": boolean(default=False), "enableCoordinator": boolean(default=True),
    "ipvlan": struct(_LINK, required=("master",)), "macvlan": struct(_LINK, required=("master",)),
    "vlan": struct({**_LINK, "vlanMode": string(default="manual", enum=("manual", "auto"))}, required=("master",)),
    "sriov": struct({
        "ippools": _IPPOOLS, "maxTxRateMbps": _COUNT, "minTxRateMbps": _COUNT, "mtu": _COUNT, "vlanID": _VLAN,
        "rdmaIsolation": boolean(default=False), "resourceName": string()}),
    "ibsriov": struct({
        "enableIbKubernetes": boolean(default=False), "ippools": _IPPOOLS, "pkey": string(), "resourceName": string(),
        "linkState": string(default="enable", enum=("auto", "enable", "disable")),
        "rdmaIsolation": boolean(default=True)}),
    "ipoib": struct({"ippools": _IPPOOLS, "master": string()}),
    "ovs": struct({
        "bridge": string(), "deviceID": string(), "ippools": _IPPOOLS, "vlan": integer(),
        "trunk": array(struct({"id": _VLAN, "maxID": _VLAN, "minID": _VLAN}))}, required=("bridge",)),
}))  # fmt: skip

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_NODE = _root(
    spec=struct({
        "providerID": string(), "unschedulable": boolean(), "podCIDR": string(), "configSource": ANY,
        "podCIDRs": array(string(), list_type="set"), "externalID": string(),
        "taints": array(struct({"key": string(), "value": string(), "effect": string(enum=_EFFECTS),
                                "timeAdded": string()}, required=("key", "effect"))),
    }),
    status=struct({
        "addresses": array(struct({"type": string(), "address": string()}, required=("type", "address")),
                           list_type="map", keys=("type", "address")),
        "conditions": array(ANY, list_type="map", keys=("type",)), "nodeInfo": ANY, "capacity": ANY,
        "allocatable": ANY, "images": array(ANY), "daemonEndpoints": ANY, "phase": string(), "features": ANY,
        "runtimeHandlers": array(ANY), "volumesInUse": _STRINGS, "volumesAttached": array(ANY), "config": ANY,
    }),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource: where it is served, its schema, whether it is a CRD's and what its status sub-resource does."""

    group: str
    version: str
    plural: str
    kind: str
    schema: Schema
    namespaced: bool = False
    has_status: bool = False
    custom: bool = True

    @property
    def api_version(self) -> str:
        """`apiVersion` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource_name(self) -> GroupName:
        """`spiderippools.spiderpool.spidernet.io`, as 404 and 409 texts have it."""
        return GroupName(self.group, self.plural)

    @property
    def kind_name(self) -> GroupName:
        """`SpiderIPPool.spiderpool.spidernet.io`, as 422 texts have it."""
        return GroupName(self.group, self.kind)


RESOURCES = {
    resource.plural: resource
    for resource in (
        Resource(SPIDERPOOL, "v2beta1", POOLS, "SpiderIPPool", _POOL, has_status=True),
        Resource(SPIDERPOOL, "v2beta1", RESERVED, "SpiderReservedIP", _RESERVED),
        Resource(SPIDERPOOL, "v2beta1", MULTUS, "SpiderMultusConfig", _MULTUS, namespaced=True),
        Resource("k8s.cni.cncf.io", "v1", ATTACHMENTS, "NetworkAttachmentDefinition",
                 _root(spec=struct({"config": string()})), namespaced=True),
        Resource("", "v1", NODES, "Node", _NODE, has_status=True, custom=False),
        Resource("", "v1", PODS, "Pod", _root(spec=ANY, status=ANY), namespaced=True, has_status=True, custom=False),
        Resource("", "v1", NAMESPACES, "Namespace", _root(spec=ANY, status=ANY), has_status=True, custom=False),
        Resource("", "v1", EVENTS, "Event", ANY, namespaced=True, custom=False),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about; an empty name is the collection, an empty namespace all of them (or none)."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """The object's key among those of its resource."""
        return self.namespace, self.name

    @property
    def label(self) -> str:
        """`spiderippools/status`, as the request log names it."""
        return f"{self.resource.plural}/{self.subresource}" if self.subresource else self.resource.plural


def parse_path(path: str) -> Target:
    """Read a request's path. Raises the 404 for what is not served."""
    parts = path.strip("/").split("/")
    if parts[0] == "api":
        group, version, rest = "", *_rest(parts, 1)
    elif parts[0] == "apis" and len(parts) > 1:
        group, (version, rest) = parts[1], _rest(parts, 2)
    else:
        raise no_such_path()
    namespace = ""
    if len(rest) > 2 and rest[0] == NAMESPACES and rest[2] != "status":
        namespace, rest = rest[1], rest[2:]
    resource = RESOURCES.get(rest[0]) if rest else None
    if resource is None or (resource.group, resource.version) != (group, version) or len(rest) > 3:
        raise no_such_path()
    name, subresource = [*rest[1:], "", ""][:2]
    scope_is_wrong = bool(namespace) > resource.namespaced or (resource.namespaced and name and not namespace)
    if scope_is_wrong or (subresource and not (subresource == "status" and resource.has_status)):
        raise no_such_path()
    return Target(resource, namespace, name, subresource)


def _rest(parts: list[str], at: int) -> tuple[str, list[str]]:
    if len(parts) <= at:
        raise no_such_path()
    return parts[at], parts[at + 1 :]

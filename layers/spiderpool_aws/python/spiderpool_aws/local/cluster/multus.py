"""SpiderMultusConfig: what its webhooks set and refuse, and the NetworkAttachmentDefinition made of it."""

import json

from spiderpool_aws.local.cluster.answers import Cause, Json, forbidden_field, invalid_value, required_value
from spiderpool_aws.local.cluster.resources import RESOURCES

ATTACHMENT_NAME = "multus.spidernet.io/cr-name"
CNI_VERSION = "multus.spidernet.io/cni-version"
_COORDINATOR = {"podDefaultRouteNIC": "", "podMACPrefix": "", "vethLinkAddress": ""}
_LINKS = ("ipvlan", "macvlan", "vlan")
# Blocks that exclude each other: one configuration describes one kind of interface.
_BLOCKS = ("macvlan", "ipvlan", "vlan", "sriov", "ibsriov", "ipoib", "ovs", "customCNI")


def default_multus(obj: Json) -> Json:
    """Return the configuration with what the mutating webhook fills in; the schema's defaults come after it."""
    spec = {"chainCNIJsonData": [], **obj.get("spec", {})}
    spec["coordinator"] = {**_COORDINATOR, **spec.get("coordinator", {})}
    kind = spec.get("cniType")
    if kind in _LINKS and isinstance(spec.get(kind), dict):
        spec[kind] = {"ippools": {}, "rdmaResourceName": "", "vlanID": 0, **spec[kind]}
    return {**obj, "spec": spec}


def multus_violation(obj: Json) -> Cause | None:
    """Return why the validating webhook refuses a configuration."""
    spec = obj["spec"]
    kind = spec["cniType"]
    block = "ibsriov" if kind == "ib-sriov" else kind
    path = f"spec.{block}Config"
    if kind == "custom":
        return _custom_violation(spec)
    if block not in spec:
        return required_value(path, f"no {path} specified")
    if kind in _LINKS:
        masters = spec[block].get("master", [])
        if not masters:
            return invalid_value(path, json.dumps(spec[block]), "master can't be empty")
        if len(masters) > 1 and "bond" not in spec[block]:
            why = "the bond property is nil with multiple Interfaces"
            return invalid_value(path, json.dumps(spec[block]), why)
    if any(other in spec for other in _BLOCKS if other != block):
        why = f"the cniType {kind} only supports {path}, please remove other CNI configs"
        return forbidden_field("spec.cniType", why)
    return None


def _custom_violation(spec: Json) -> Cause | None:
    path = "spec.customCniTypeConfig"
    if any(other in spec for other in _BLOCKS if other != "customCNI"):
        why = f"the cniType custom only supports {path}, please remove other CNI configs"
        return forbidden_field("spec.cniType", why)
    try:
        json.loads(spec.get("customCNI") or "{}")
    except ValueError:
        return forbidden_field(path, "customCniConfig isn't a valid JSON encoding")
    return None


def attachment_name(config: Json) -> str:
    """Return the name of the NetworkAttachmentDefinition: the configuration's own, or the annotation's."""
    name: str = config["metadata"].get("annotations", {}).get(ATTACHMENT_NAME) or config["metadata"]["name"]
    return name


def attachment(config: Json) -> Json:
    """Return the NetworkAttachmentDefinition that the multus informer makes of a configuration."""
    metadata, spec = config["metadata"], config["spec"]
    name = attachment_name(config)
    kind = spec["cniType"]
    owner = {"apiVersion": config["apiVersion"], "kind": config["kind"], "name": metadata["name"],
             "uid": metadata["uid"], "controller": True, "blockOwnerDeletion": True}  # fmt: skip
    if kind == "custom":
        text = spec.get("customCNI", "")
    else:
        plugins = [_link_plugin(spec, kind)]
        if spec.get("enableCoordinator", True):
            plugins.append(_coordinator_plugin(spec["coordinator"]))
        version = metadata.get("annotations", {}).get(CNI_VERSION, "0.3.1")
        document = {"cniVersion": version, "name": name, "plugins": plugins}
        text = json.dumps(document, separators=(",", ":"))
    resource = RESOURCES["network-attachment-definitions"]
    return {"apiVersion": resource.api_version, "kind": resource.kind, "spec": {"config": text} if text else {},
            "metadata": {"name": name, "namespace": metadata["namespace"], "ownerReferences": [owner]}}  # fmt: skip


def _link_plugin(spec: Json, kind: str) -> Json:
    block = spec["ibsriov" if kind == "ib-sriov" else kind]
    plugin: Json = {"type": kind}
    if kind in _LINKS:
        # With a VLAN or a bond the interface is made first, and the pod's hangs on that one.
        master = block["bond"]["name"] if len(block["master"]) > 1 else block["master"][0]
        vlan = block.get("vlanID", 0)
        plugin |= {"master": f"{master}.{vlan}" if vlan else master, "mtu": block.get("mtu", 0)}
    if not spec.get("disableIPAM"):
        plugin["ipam"] = {"type": "spiderpool"}
    return plugin


def _coordinator_plugin(coordinator: Json) -> Json:
    names = ("txQueueLen", "tunePodRoutes", "mode")
    return {**{name: coordinator[name] for name in names}, "type": "coordinator"}

"""The double's compact schemas as CustomResourceDefinitions have them, to compare with the manifests in `crds/`."""

from typing import Any

from spiderpool_aws.local.cluster.resources import RESOURCES, Resource
from spiderpool_aws.local.cluster.schema import Schema

CUSTOM = [resource for resource in RESOURCES.values() if resource.custom]


def crd(resource: Resource) -> dict[str, Any]:
    """Return the smallest CustomResourceDefinition of a resource of the double."""
    properties = {name: _open_api(part) for name, part in resource.schema.properties.items() if name in _OWN}
    required = {"required": list(resource.schema.required)} if resource.schema.required else {}
    version: dict[str, Any] = {
        "name": resource.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", **required, "properties": properties}},
    }
    if resource.has_status:
        version["subresources"] = {"status": {}}
    names = {"kind": resource.kind, "plural": resource.plural, "singular": resource.kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": str(resource.resource_name)},
        "spec": {
            "group": resource.group,
            "names": names,
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "versions": [version],
        },
    }


# `apiVersion`, `kind` and `metadata` are every object's and the API server's own.
_OWN = ("spec", "status")


def _open_api(schema: Schema) -> dict[str, Any]:
    if schema.type == "any":
        return {"x-kubernetes-preserve-unknown-fields": True}
    node: dict[str, Any] = {"type": schema.type}
    if schema.properties:
        node["properties"] = {name: _open_api(child) for name, child in schema.properties.items()}
    if schema.values:
        node["additionalProperties"] = _open_api(schema.values)
    if schema.items:
        node["items"] = _open_api(schema.items)
    bounds = {"minimum": schema.minimum, "maximum": schema.maximum}
    node |= {name: bound for name, bound in bounds.items() if bound is not None}
    node |= {name: list(values) for name in ("required", "enum") if (values := getattr(schema, name))}
    if isinstance(schema.default, (bool, int, str)):
        node["default"] = schema.default
    if schema.list_type != "atomic":
        node |= {"x-kubernetes-list-type": schema.list_type, "x-kubernetes-list-map-keys": list(schema.keys)}
    if schema.atomic:
        node["x-kubernetes-map-type"] = "atomic"
    return node

"""The pods and the Service of a person's `verify`, over the same API client as everything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spiderpool_aws.adapters.cluster_api import ClusterApi, Json, Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spiderpool_aws.adapters.credentials import ClusterCredentials

_ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class PodState:
    """How a pod is (Kubernetes API, PodStatus)."""

    ips: tuple[str, ...] = ()
    running: bool = False
    """Whether its container runs: a pod has its addresses before, while the image is pulled."""
    ended: bool = False
    message: str = ""
    """The termination message of its container."""
    reason: str = ""
    """Why it does not run, where the kubelet says so."""


class ProbePods:
    """Implements `ProbePort`."""

    def __init__(self, credentials: ClusterCredentials) -> None:
        self._api = ClusterApi(credentials)

    def create_pod(self, manifest: Mapping[str, Any]) -> None:
        """Create a pod."""
        self._api.create(_in(manifest["metadata"]["namespace"], "pods"), _without_namespace(manifest))

    def create_service(self, manifest: Mapping[str, Any]) -> str:
        """Create a Service and return its ClusterIP."""
        stored = self._api.create(_in(manifest["metadata"]["namespace"], "services"), _without_namespace(manifest))
        return str((stored.get("spec") or {}).get("clusterIP", ""))

    def pod(self, namespace: str, name: str) -> PodState | None:
        """Return how a pod is; None when there is none."""
        found = self._api.get(_in(namespace, "pods"), name)
        return None if found is None else _state(found.get("status") or {})

    def remove_pod(self, namespace: str, name: str) -> None:
        """Delete a pod; none is success."""
        self._remove(_in(namespace, "pods"), name)

    def remove_service(self, namespace: str, name: str) -> None:
        """Delete a Service; none is success."""
        self._remove(_in(namespace, "services"), name)

    def _remove(self, resource: Resource, name: str) -> None:
        found = self._api.get(resource, name)
        if found is not None:
            self._api.delete(resource, name, found["metadata"]["uid"])


def _in(namespace: str, plural: str) -> Resource:
    """Return a kind of object within one namespace."""
    return Resource(f"/api/v1/namespaces/{namespace}", plural)


def _without_namespace(manifest: Mapping[str, Any]) -> Json:
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "namespace"}
    return {**manifest, "metadata": metadata}


def _state(status: Json) -> PodState:
    containers = status.get("containerStatuses") or [{}]
    state = containers[0].get("state") or {}
    waiting = state.get("waiting") or {}
    return PodState(
        ips=tuple(item["ip"] for item in status.get("podIPs") or () if item.get("ip")),
        running="running" in state,
        ended=status.get("phase") in _ENDED,
        message=str((state.get("terminated") or {}).get("message", "")),
        reason=": ".join(filter(None, (waiting.get("reason", ""), waiting.get("message", "")))),
    )

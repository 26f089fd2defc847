"""The table of rules, held to what the cluster adapter sends to the double."""

import inspect
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration

from spiderpool_aws.adapters.cluster import EVENTS, MULTUS, NODES, PODS, POOLS, RESERVED, ClusterAdapter
from spiderpool_aws.adapters.credentials import FixedCredentials
from spiderpool_aws.domain.cluster.multus import MultusConfig
from spiderpool_aws.domain.cluster.node import PodRef
from spiderpool_aws.domain.cluster.reservation import reservation_for
from spiderpool_aws.domain.node_events import NodeEvent
from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.cluster import ClusterDouble, connect_in_process
from spiderpool_aws.manifests.rbac import RULES, roles_and_bindings
from spiderpool_aws.ports import ClusterPort
from tests.unit.adapters.doubles import HOST, RecordingReporter
from tests.unit.adapters.pools import pool

NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "n"},
    "spec": {"taints": [{"key": "t", "effect": "NoSchedule"}]},
}
EVENT = NodeEvent("n", "u", "PoolsReady", "all are in place", datetime(2026, 1, 1, tzinfo=UTC), "once")
POD = PodRef("default", "p", "u", datetime(2026, 1, 1, tzinfo=UTC))


class Recording:
    """Stands before an object and remembers which of its methods were asked for."""

    def __init__(self, target: object) -> None:
        self._target = target
        self.called: set[str] = set()

    def __getattr__(self, name: str) -> object:
        self.called.add(name)
        return getattr(self._target, name)


class UsedCluster:
    """The adapter on the double: `sent` are the verbs by resource, as RBAC would be asked for them."""

    def __init__(self) -> None:
        self.double = ClusterDouble(ManualClock())
        client = ApiClient(Configuration(host=HOST))
        connect_in_process(client, self.double)
        self.recording = Recording(ClusterAdapter(FixedCredentials(client), RecordingReporter()))
        self.port: Any = self.recording

    @property
    def sent(self) -> dict[str, set[str]]:
        verbs: dict[str, set[str]] = defaultdict(set)
        for verb, resource, status in self.double.requests:
            verbs[resource].add(verb)
            if (verb, status) == ("patch", 201):
                # An apply that creates is authorised as both.
                verbs[resource].add("create")
        return dict(verbs)


@pytest.fixture
def cluster() -> UsedCluster:
    return UsedCluster()


def use_everything(cluster: UsedCluster) -> None:
    """Call every method of the port, each where it has the most to do."""
    port: ClusterPort = cluster.port
    node = cluster.double.put(NODE)
    port.list_pools()
    stored = port.apply_pool(pool())
    port.note_pool(port.apply_pool(replace(stored, spec=replace(stored.spec, disable=True))))
    port.delete_pool(stored)
    port.list_reservations()
    reserved = port.apply_reservation(reservation_for(stored, stored.spec.ips))
    port.apply_reservation(reserved)
    port.delete_reservation(reserved)
    port.list_multus()
    config = port.apply_multus(MultusConfig("kube-system", "ipvlan-ens5", "ens5"), "prod")
    port.apply_multus(replace(config, master="ens6"), "prod")
    port.get_node("n")
    port.list_nodes()
    port.prepare_node("n", node["metadata"]["uid"], provider_id="aws:///a/i-0a", taint="t")
    port.taint_node("n", node["metadata"]["uid"], "t")
    port.note_gone("n", node["metadata"]["uid"], "i-0a", "i-0b")
    port.post_event(EVENT)
    port.delete_node("n", node["metadata"]["uid"])
    port.list_pods("n")
    port.delete_pod(POD)


def methods_of(protocol: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(protocol, inspect.isfunction) if not name.startswith("_")}


def test_the_rules_are_exactly_the_verbs_that_the_adapter_sends(cluster: UsedCluster) -> None:
    use_everything(cluster)
    assert cluster.recording.called == methods_of(ClusterPort), "a method of the port is not used here"
    assert {rule.resource: set(rule.verbs) for rule in RULES} == cluster.sent


def test_every_rule_is_in_the_group_of_its_resource(cluster: UsedCluster) -> None:
    resources = (POOLS, RESERVED, MULTUS, NODES, PODS, EVENTS)
    assert {f"{rule.resource}.{rule.group}".rstrip(".") for rule in RULES} == {one.rbac_name for one in resources}


def test_the_roles_have_the_rules_and_nothing_wider() -> None:
    roles = [one for one in roles_and_bindings(["aws:arn"]) if "rules" in one]
    rules = [(one["metadata"].get("namespace", ""), rule) for one in roles for rule in one["rules"]]
    assert [(place, rule["apiGroups"], rule["resources"], rule["verbs"]) for place, rule in rules] == [
        (rule.namespace, [rule.group], [rule.resource], list(rule.verbs)) for rule in RULES
    ]
    assert not any("*" in part or "/" in part for _, rule in rules for parts in rule.values() for part in parts)


def test_a_role_of_one_namespace_is_no_cluster_role() -> None:
    manifests = roles_and_bindings(["aws:arn"])
    assert [(one["kind"], one["metadata"]) for one in manifests] == [
        ("ClusterRole", {"name": "spiderpool-aws"}),
        ("ClusterRoleBinding", {"name": "spiderpool-aws"}),
        ("Role", {"name": "spiderpool-aws", "namespace": "default"}),
        ("RoleBinding", {"name": "spiderpool-aws", "namespace": "default"}),
    ]


def test_one_binding_gives_its_role_to_every_user_once_and_to_nobody_else() -> None:
    manifests = roles_and_bindings(["aws:worker", "aws:resync", "aws:worker"])
    api = "rbac.authorization.k8s.io"
    for role, binding in zip(manifests[::2], manifests[1::2], strict=True):
        assert binding["kind"] == f"{role['kind']}Binding"
        assert binding["roleRef"] == {"apiGroup": api, "kind": role["kind"], "name": role["metadata"]["name"]}
        assert binding["subjects"] == [
            {"apiGroup": api, "kind": "User", "name": name} for name in ("aws:worker", "aws:resync")
        ]


def test_the_guide_lists_the_rules() -> None:
    rows = [
        f"| `{rule.resource}` | {', '.join(rule.verbs)} | "
        f"{f'namespace `{rule.namespace}`' if rule.namespace else 'everywhere'} | {rule.purpose} |"
        for rule in RULES
    ]
    guide = (Path(__file__).parents[3] / "docs" / "security.md").read_text()
    assert "\n".join(rows) in guide

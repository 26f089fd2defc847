"""The product's user on a real API server: every right that is printed is needed, and there is no other."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from spiderpool_aws.domain.cluster.multus import MultusConfig
from spiderpool_aws.domain.cluster.reservation import reservation_for
from spiderpool_aws.domain.errors import Refused, RetryLater
from spiderpool_aws.domain.node_events import NodeEvent
from spiderpool_aws.local.cluster.answers import Json
from spiderpool_aws.manifests.rbac import NAME, RULES, Rule
from tests.e2e import api
from tests.e2e.apiserver import PRODUCT
from tests.e2e.install import rights_of
from tests.e2e.real_world import RealWorld
from tests.unit.adapters.pools import pool
from tests.unit.build import NOW

RIGHTS = tuple((rule, verb) for rule in RULES for verb in rule.verbs)
REVIEWS = {"authentication.k8s.io", "authorization.k8s.io"}
"""Kubernetes lets every user ask what it may do itself."""
POD = {
    "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "default"},
    "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i"}]},
}  # fmt: skip
RESERVATION = reservation_for(pool(), pool().spec.ips)
TAINT = "spiderpool-aws/not-ready"
Operation = Callable[[], Any]


def writing_a_pool(world: RealWorld) -> Operation:
    stored = world.cluster.apply_pool(pool())
    return lambda: world.cluster.apply_pool(stored)


def deleting_a_pool(world: RealWorld) -> Operation:
    stored = world.cluster.apply_pool(pool())
    return lambda: world.cluster.delete_pool(stored)


def writing_a_reservation(world: RealWorld) -> Operation:
    stored = world.cluster.apply_reservation(RESERVATION)
    return lambda: world.cluster.apply_reservation(stored)


def deleting_a_reservation(world: RealWorld) -> Operation:
    stored = world.cluster.apply_reservation(RESERVATION)
    return lambda: world.cluster.delete_reservation(stored)


def creating_a_network(world: RealWorld) -> Operation:
    return lambda: world.cluster.apply_multus(MultusConfig("kube-system", "ipvlan-ens5", "ens5"), "prod")


def mending_a_network(world: RealWorld) -> Operation:
    stored = world.cluster.apply_multus(MultusConfig("kube-system", "ipvlan-ens5", "ens5"), "prod")
    return lambda: world.cluster.apply_multus(replace(stored, master="ens6"), "prod")


def tainting_a_node(world: RealWorld) -> Operation:
    uid = world.put_node()
    return lambda: world.cluster.taint_node("n", uid, TAINT)


def deleting_a_node(world: RealWorld) -> Operation:
    uid = world.put_node()
    return lambda: world.cluster.delete_node("n", uid)


def deleting_a_pod(world: RealWorld) -> Operation:
    world.put(POD)
    (ref,) = world.cluster.list_pods("n")
    return lambda: world.cluster.delete_pod(ref)


def telling_something(world: RealWorld) -> Operation:
    event = NodeEvent("n", world.put_node(), "PoolsReady", "all there", NOW, "x")
    return lambda: world.cluster.post_event(event)


NEEDS: dict[tuple[str, str], Callable[[RealWorld], Operation]] = {
    ("spiderippools", "list"): lambda world: world.cluster.list_pools,
    ("spiderippools", "create"): lambda world: lambda: world.cluster.apply_pool(pool()),
    ("spiderippools", "patch"): writing_a_pool,
    ("spiderippools", "delete"): deleting_a_pool,
    ("spiderreservedips", "list"): lambda world: world.cluster.list_reservations,
    ("spiderreservedips", "create"): lambda world: lambda: world.cluster.apply_reservation(RESERVATION),
    ("spiderreservedips", "patch"): writing_a_reservation,
    ("spiderreservedips", "delete"): deleting_a_reservation,
    ("spidermultusconfigs", "list"): lambda world: world.cluster.list_multus,
    ("spidermultusconfigs", "create"): creating_a_network,
    ("spidermultusconfigs", "patch"): mending_a_network,
    ("nodes", "get"): lambda world: lambda: world.cluster.get_node("n"),
    ("nodes", "list"): lambda world: world.cluster.list_nodes,
    ("nodes", "patch"): tainting_a_node,
    ("nodes", "delete"): deleting_a_node,
    ("pods", "list"): lambda world: lambda: world.cluster.list_pods("n"),
    ("pods", "delete"): deleting_a_pod,
    ("events", "create"): telling_something,
}
"""What the adapter cannot do without the verb: prepared with all rights, done without it."""


def without(role: Json, rule: Rule, verb: str) -> Json:
    """Return a printed role, less one verb of one of its rules."""
    rules = [
        {**one, "verbs": [other for other in one["verbs"] if (one["resources"], other) != ([rule.resource], verb)]}
        for one in role["rules"]
        if one["resources"] != [rule.resource] or one["verbs"] != [verb]
    ]
    return {**role, "rules": rules}


def is_allowed(world: RealWorld, rule: Rule, verb: str) -> bool:
    """Ask as the product itself, whose every request is judged like this one."""
    asked = {"group": rule.group, "resource": rule.resource, "verb": verb, "namespace": rule.namespace}
    return bool(review(world, "selfsubjectaccessreviews", {"resourceAttributes": asked})["allowed"])


def review(world: RealWorld, kind: str, spec: Json) -> Json:
    path = f"/apis/authorization.k8s.io/v1/{kind}"
    status: Json = world.product.expect("POST", path, {"apiVersion": "authorization.k8s.io/v1", "spec": spec})["status"]
    return status


@contextmanager
def lacking(world: RealWorld, rule: Rule, verb: str) -> Iterator[None]:
    """Take one verb from the product, and give it back. The API server hears of both by a watch."""
    printed = [(collection, one) for collection, one in rights_of([PRODUCT]) if "rules" in one]
    for collection, role in printed:
        world.admin.apply(collection, without(role, rule, verb))
    try:
        api.wait_until("the right is gone", lambda: not is_allowed(world, rule, verb))
        yield
    finally:
        for collection, role in printed:
            world.admin.apply(collection, role)
        api.wait_until("the right is back", lambda: is_allowed(world, rule, verb))


@pytest.mark.parametrize(("rule", "verb"), RIGHTS, ids=[f"{verb} {rule.resource}" for rule, verb in RIGHTS])
def test_without_one_verb_something_fails_and_says_which_one(world: RealWorld, rule: Rule, verb: str) -> None:
    operation = NEEDS[rule.resource, verb](world)
    name = f"{rule.resource}.{rule.group}".rstrip(".")
    with lacking(world, rule, verb), pytest.raises((Refused, RetryLater)) as caught:
        operation()
    assert f"the user needs the verb {verb} on {name}, which `spiderpool-aws manifests rbac` gives" in str(caught.value)
    operation()


def test_the_user_has_the_printed_rights_and_no_other(world: RealWorld) -> None:
    status = review(world, "selfsubjectrulesreviews", {"namespace": "default"})
    assert not status["incomplete"]
    granted = {
        (group, resource, verb)
        for one in status["resourceRules"]
        for group in one["apiGroups"]
        for resource in one["resources"]
        for verb in one["verbs"]
    }
    assert {right for right in granted if right[0] not in REVIEWS} == {(r.group, r.resource, v) for r, v in RIGHTS}
    assert {right[2] for right in granted if right[0] in REVIEWS} <= {"create"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/secrets"),
        ("GET", "/api/v1/namespaces/kube-system/secrets/token"),
        ("GET", "/api/v1/configmaps"),
        ("GET", "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"),
        ("POST", "/api/v1/namespaces/default/pods/web/exec"),
        ("GET", "/api/v1/namespaces/default/pods/web/exec"),
        ("GET", "/api/v1/namespaces/default/pods/web/log"),
        ("GET", "/api/v1/namespaces/default/pods/web"),
        ("POST", "/api/v1/namespaces/default/pods"),
        ("POST", "/api/v1/namespaces/kube-system/events"),
        ("POST", "/api/v1/namespaces/default/serviceaccounts/default/token"),
        ("GET", f"{api.NODES}/n/proxy/pods"),
        ("PATCH", f"{api.NODES}/n/status"),
        ("POST", api.NODES),
        ("GET", f"{api.SPIDERPOOL}/spidersubnets"),
        ("DELETE", f"{api.SPIDERPOOL}/namespaces/kube-system/spidermultusconfigs/ipvlan-ens5"),
        ("GET", "/apis/apps/v1/deployments"),
        ("GET", "/apis/coordination.k8s.io/v1/leases"),
        ("GET", f"{api.RBAC}/clusterroles"),
        ("PATCH", f"{api.RBAC}/clusterroles/{NAME}"),
        ("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"),
        ("GET", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"),
    ],
)
def test_the_user_is_refused_what_an_administrator_is_not(world: RealWorld, method: str, path: str) -> None:
    content_type = api.MERGE if method == "PATCH" else api.JSON
    answer = world.product.request(method, path, {}, content_type)
    assert (answer.status, answer.body["reason"]) == (403, "Forbidden")
    assert f'User "{PRODUCT}" cannot ' in answer.body["message"]
    assert world.admin.request(method, path, {}, content_type, dryRun="All").status not in (401, 403)

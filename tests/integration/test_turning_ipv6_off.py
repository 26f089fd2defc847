"""Taking IPv6 out of the policy again: no node is left that cannot run pods, and nothing is left behind."""

import pytest

from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.local.cluster import ClusterWrite
from spiderpool_aws.local.cluster.double import PRODUCT
from spiderpool_aws.local.ec2.fixtures import tag_list
from tests.integration.capacity import (
    PLANS,
    V6,
    by_hand,
    dual,
    held,
    interface,
    listed,
    nic_of,
    node_name,
    policy_of,
    run_pods,
)
from tests.integration.scene import Scene, scene

OFF, ON = policy_of(interface(0)), policy_of(dual(0))
NETWORK = "kube-system/ipvlan-ens5"
POOLS = "/apis/spiderpool.spidernet.io/v2beta1/spiderippools"
SIZES = [
    pytest.param({"addresses": 3}, id="single addresses"),
    pytest.param({"prefixes": 1, "perPrefix": 8}, id="prefixes"),
    pytest.param({"addresses": {"min": 2, "warm": 2, "max": 6}}, id="elastic"),
]


def ipv6(s: Scene, instance_id: str = "") -> list[Pool]:
    return [pool for pool in s.pools(instance_id) if pool.family is V6]


def defaults(s: Scene) -> int:
    return sum(pool.spec.default for pool in ipv6(s))


def set_default(s: Scene, name: str, value: str) -> None:
    """Write a pool's `default` as a person."""
    headers = {"authorization": f"Bearer {s.stack.cluster.admin_token}", "content-type": "application/merge-patch+json"}
    body = {"spec": {"default": value == "true"}}
    assert s.stack.cluster.request("PATCH", f"{POOLS}/{name}", {}, headers, body).status == 200


def pod_works(s: Scene, instance_id: str) -> int:
    """Run a pod on a node for a moment; return how many addresses it got, none when it failed."""
    pod = s.stack.agent.run_pod("default", "probe", node_name(s, instance_id), NETWORK)
    s.stack.agent.delete_pod("default", "probe")
    return 0 if pod.error else len(pod.addresses)


def confirm(s: Scene) -> None:
    """Confirm, as a person, that more than a tenth of all addresses goes."""
    assert s.stack.fuse()["state"] == "tripped"
    s.stack.bus.invoke_resync({"confirm": s.stack.fuse()["digest"]})
    s.run(120)


def tag(s: Scene, instance_id: str, value: str) -> None:
    by_hand(s, "CreateTags", Resources=[instance_id], Tags=tag_list({"spiderpool-aws/managed": value}))


def writes_of_ipv6(s: Scene) -> list[tuple[str, bool, int]]:
    """Return a list that fills: of each write of an IPv6 pool the verb, and its `default` and addresses after it."""
    seen: list[tuple[str, bool, int]] = []

    def note(write: ClusterWrite) -> None:
        spec = (write.after or write.before or {}).get("spec", {})
        if write.user == PRODUCT and write.resource == "spiderippools" and spec.get("ipVersion") == 6:
            seen.append((write.verb, bool(spec.get("default")), len(spec.get("ips", []))))

    s.stack.cluster.observe(note)
    return seen


@pytest.mark.parametrize("size", SIZES)
def test_the_default_goes_from_every_pool_before_any_is_emptied_and_then_all_go(size: dict[str, object]) -> None:
    with scene(policy_of(interface(0, ipv6=size)), subnets=PLANS) as s:
        nodes = [s.launch(nics=1) for _ in range(3)]
        s.run(120)
        assert defaults(s) == 3
        seen = writes_of_ipv6(s)
        s.stack.put_policy(OFF)
        s.run(30)
        assert (defaults(s), len(ipv6(s))) == (0, 3)
        assert all(listed(s, node, V6) for node in nodes), "emptied only when none is default any more"
        assert [pod_works(s, node) for node in nodes] == [1, 1, 1]
        late = s.launch(nics=1)
        s.run(120)
        assert pod_works(s, late) == 1
        s.run(600)
        assert all(listed(s, node, V6) for node in nodes), "more than a tenth of all: that needs a person's word"
        confirm(s)
        assert ipv6(s) == []
        assert [held(nic_of(s, node), V6).count() for node in nodes] == [1, 1, 1], "the host keeps its own"
        first_emptied = next(i for i, (_, _, ips) in enumerate(seen) if not ips)
        assert [default for _, default, _ in seen[:first_emptied]] == [False] * first_emptied
        s.checker.assert_idle(lambda: s.run(900))


def test_a_flip_that_is_under_way_is_taken_back() -> None:
    with scene(OFF, subnets=PLANS) as s:
        nodes = [s.launch(nics=1) for _ in range(4)]
        s.run(120)
        s.stack.put_policy(ON)
        for _ in range(400):
            s.run(1)
            if defaults(s):
                break
        pools = ipv6(s)
        for pool in pools[:2]:
            set_default(s, pool.name, "false")
        s.stack.put_policy(OFF)
        s.run(60)
        assert defaults(s) == 0
        assert [pod_works(s, node) for node in nodes] == [1] * 4
        s.run(400)
        confirm(s)
        assert ipv6(s) == []
        s.checker.assert_idle(lambda: s.run(900))


def test_what_was_only_prepared_goes_without_ever_having_been_default() -> None:
    with scene(OFF, subnets=PLANS) as s:
        nodes = [s.launch(nics=1) for _ in range(2)]
        alone = s.launch(nics=1)
        s.run(120)
        tag(s, alone, "false")
        s.stack.put_policy(ON)
        s.run(300)
        assert (len(ipv6(s)), defaults(s)) == (2, 0)
        s.stack.put_policy(OFF)
        s.run(300)
        confirm(s)
        assert ipv6(s) == []
        assert [pod_works(s, node) for node in [*nodes, alone]] == [1, 1, 1]


def test_a_pod_keeps_its_ipv6_address_and_the_pool_goes_when_the_pod_has_gone() -> None:
    with scene(ON, subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        own = next(a for a in run_pods(s, instance_id, 1) if ":" in a)
        s.stack.put_policy(OFF)
        s.run(600)
        assert list(listed(s, instance_id, V6)) == [own]
        assert own in held(nic_of(s, instance_id), V6)
        s.checker.assert_idle(lambda: s.run(900))
        for pod in s.stack.cluster.objects("pods"):
            s.stack.agent.delete_pod("default", pod["metadata"]["name"])
        s.run(600)
        assert (ipv6(s), held(nic_of(s, instance_id), V6).count()) == ([], 1)
        s.checker.assert_idle(lambda: s.run(600))


def test_ipv6_that_comes_back_while_its_pools_are_being_emptied_is_default_again_on_all() -> None:
    with scene(ON, subnets=PLANS) as s:
        nodes = [s.launch(nics=1) for _ in range(2)]
        s.run(120)
        for node in nodes:
            run_pods(s, node, 1)
        s.stack.put_policy(OFF)
        s.run(400)
        confirm(s)
        assert [listed(s, node, V6).count() for node in nodes] == [1, 1]
        s.stack.put_policy(ON)
        s.run(300)
        assert [listed(s, node, V6).count() for node in nodes] == [5, 5]
        assert (defaults(s), [pod_works(s, node) for node in nodes]) == (2, [2, 2])
        s.checker.assert_idle(lambda: s.run(600))


def test_the_pool_of_a_stopped_node_loses_its_default_too() -> None:
    with scene(ON, subnets=PLANS) as s:
        node, stopped = s.launch(nics=1), s.launch(nics=1)
        s.run(120)
        by_hand(s, "StopInstances", InstanceIds=[stopped])
        s.run(60)
        s.stack.put_policy(OFF)
        s.run(60)
        assert (defaults(s), pod_works(s, node)) == (0, 1)
        by_hand(s, "StartInstances", InstanceIds=[stopped])
        s.run(600)
        assert listed(s, stopped, V6).count() == 5, "with the other node's more than a tenth of all: that is asked once"
        confirm(s)
        assert (ipv6(s), pod_works(s, stopped)) == ([], 1)
        s.checker.assert_idle(lambda: s.run(600))


def test_a_node_that_is_left_alone_keeps_ipv6_everywhere_and_is_named() -> None:
    with scene(ON, subnets=PLANS) as s:
        node, alone = s.launch(nics=1), s.launch(nics=1)
        s.run(120)
        tag(s, alone, "false")
        s.stack.put_policy(OFF)
        s.run(900)
        assert (defaults(s), pod_works(s, node), pod_works(s, alone)) == (2, 2, 2)
        answer = s.stack.bus.invoke_resync({"dryRun": True})
        (finding,) = [text for text in answer["findings"] if "keeps IPv6 in the whole cluster" in text]
        assert node_name(s, alone) in finding
        assert "spiderpool-aws/managed=false" in finding
        tag(s, alone, "true")
        s.run(700)
        confirm(s)
        assert ipv6(s) == []


def test_a_hand_made_default_pool_keeps_ipv6_and_is_named() -> None:
    with scene(ON, subnets=PLANS) as s:
        node = s.launch(nics=1)
        s.run(120)
        spec = {"ipVersion": 6, "subnet": "2001:db8:9::/64", "ips": ["2001:db8:9::5"], "default": True}
        meta = {"name": "theirs"}
        kind = {"apiVersion": "spiderpool.spidernet.io/v2beta1", "kind": "SpiderIPPool"}
        s.stack.cluster.put({**kind, "metadata": meta, "spec": spec})
        s.stack.put_policy(OFF)
        s.run(600)
        assert pod_works(s, node) == 2
        (finding,) = s.stack.bus.invoke_resync({"dryRun": True})["findings"]
        assert "pool theirs, which is not ours" in finding
        set_default(s, "theirs", "false")
        s.run(600)
        assert [pool.name for pool in ipv6(s)] == ["theirs"]
        assert pod_works(s, node) == 1

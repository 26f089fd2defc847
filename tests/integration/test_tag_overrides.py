"""An instance's own tags say how much its NICs hold; one that says nothing is told, and passed over."""

from typing import Any

import pytest

from spiderpool_aws.local.ec2.fixtures import tag_list
from tests.integration.capacity import (
    PLANS,
    V4,
    V6,
    by_hand,
    dual,
    held,
    interface,
    listed,
    nic_of,
    policy_of,
    run_pods,
)
from tests.integration.scene import TAGS, Scene, scene

ONE = policy_of(dual(0))
PREFIXES = policy_of(interface(0, ipv4={"prefixes": 1}, ipv6={"prefixes": 1, "perPrefix": 8}))
ELASTIC = policy_of(interface(0, ipv4={"addresses": {"min": 2, "warm": 2, "max": 8}}))


def launched(s: Scene, **tags: str) -> str:
    """Launch a node with tags `spiderpool-aws/…`, slashes written as two underscores."""
    own = {f"spiderpool-aws/{key.strip('_').replace('__', '/')}": value for key, value in tags.items()}
    instance_id = s.launch(nics=1, tags=TAGS | own)
    s.run(120)
    return instance_id


def sizes(s: Scene, instance_id: str) -> tuple[int, int]:
    """Return how many IPv4 and IPv6 addresses the pools list."""
    return listed(s, instance_id, V4).count(), listed(s, instance_id, V6).count()


def findings(s: Scene) -> list[str]:
    return list(s.stack.bus.invoke_resync({"dryRun": True})["findings"])


@pytest.mark.parametrize(
    ("policy", "tags", "expected"),
    [
        pytest.param(ONE, {"_0__ipv4": "2"}, (2, 5), id="fewer addresses"),
        pytest.param(ONE, {"_0__ipv4": "7", "_0__ipv6": "3"}, (7, 3), id="both families"),
        pytest.param(ONE, {"_0__ipv4": "max"}, (9, 5), id="max"),
        pytest.param(ONE, {"_0__ipv6": "max"}, (5, 9), id="max of IPv6, without the host's own"),
        pytest.param(PREFIXES, {"_0__ipv4": "2", "_0__ipv6": "2"}, (32, 16), id="prefixes"),
        pytest.param(ELASTIC, {"_0__ipv4": "5"}, (5, 0), id="a number in place of an elastic size"),
    ],
)
def test_a_tag_overrides_the_size(policy: str, tags: dict[str, str], expected: tuple[int, int]) -> None:
    with scene(policy, subnets=PLANS) as s:
        assert sizes(s, launched(s, **tags)) == expected
        assert findings(s) == []
        s.checker.assert_idle(lambda: s.run(600))


@pytest.mark.parametrize(
    "value", ["", "0", "-1", "+3", "03 ", "3.5", "five", "MAX", "70000", "٣", "9" * 40, "{min: 1}"]
)
def test_a_value_that_is_no_size_is_told_and_passed_over(value: str) -> None:
    with scene(ONE, subnets=PLANS) as s:
        instance_id = launched(s, _0__ipv4=value)
        assert sizes(s, instance_id) == (5, 5)
        (finding,) = findings(s)
        assert (
            f"{instance_id} has the tag spiderpool-aws/0/ipv4={value!r}: give a number of addresses, or max" in finding
        )
        (node,) = s.stack.cluster.objects("nodes")
        assert not node["spec"].get("taints"), "the policy's size serves"
        s.checker.assert_idle(lambda: s.run(600))


def test_max_says_nothing_where_the_policy_gives_prefixes() -> None:
    with scene(PREFIXES, subnets=PLANS) as s:
        assert sizes(s, launched(s, _0__ipv4="max")) == (16, 8)
        (finding,) = findings(s)
        assert "give a number of prefixes" in finding


@pytest.mark.parametrize(
    ("key", "why"),
    [
        pytest.param("_1__ipv4", "names no device index 1", id="an index that the policy lacks"),
        pytest.param("_0__ipv6", "gives it no IPv6", id="a family that the policy lacks"),
    ],
)
def test_a_tag_for_what_the_policy_does_not_give_is_told(key: str, why: str) -> None:
    with scene(policy_of(interface(0)), subnets=PLANS) as s:
        assert sizes(s, launched(s, **{key: "3"})) == (5, 0)
        (finding,) = findings(s)
        assert why in finding


def test_a_number_beyond_the_type_is_cut_and_told() -> None:
    with scene(ONE, subnets=PLANS) as s:
        instance_id = launched(s, _0__ipv4="40")
        assert sizes(s, instance_id) == (9, 5)
        assert ["should hold 40 IPv4 addresses" in finding for finding in findings(s)] == [True]
        s.checker.assert_idle(lambda: s.run(600))


def change(s: Scene, instance_id: str, value: Any) -> None:
    key = "spiderpool-aws/0/ipv4"
    if value is None:
        by_hand(s, "DeleteTags", Resources=[instance_id], Tags=[{"Key": key}])
    else:
        by_hand(s, "CreateTags", Resources=[instance_id], Tags=tag_list({key: value}))
    s.run(400)


def test_a_tag_that_changes_on_a_running_node_is_followed_and_pods_keep_what_they_have() -> None:
    with scene(ONE, subnets=PLANS) as s:
        instance_id = launched(s)
        change(s, instance_id, "8")
        assert sizes(s, instance_id) == (8, 5)
        used = {address for address in run_pods(s, instance_id, 5) if ":" not in address}
        change(s, instance_id, "3")
        assert set(listed(s, instance_id)) == used
        assert set(held(nic_of(s, instance_id))) == used
        change(s, instance_id, None)
        assert sizes(s, instance_id) == (5, 5)
        s.checker.assert_idle(lambda: s.run(600))

"""What is wrong is said clearly, and nothing is lost."""

import pytest

from spiderpool_aws.local.cluster import Fault
from spiderpool_aws.local.functions import FunctionError
from tests.integration.scene import Scene, policy_text, scene


def untag(s: Scene, instance_id: str) -> None:
    """Make the listing empty: no instance carries the cluster's tag any more."""
    s.stack.model.call("DeleteTags", {"Resources": [instance_id], "Tags": [{"Key": "spiderpool-aws/cluster"}]})


def test_five_thousand_instances_in_one_resync_are_five_thousand_messages() -> None:
    with scene() as s:
        ids = [f"i-{number:017x}" for number in range(5000)]
        assert s.stack.bus.invoke_resync({"instanceIds": ids})["enqueued"] == 5000
        assert {message.group for message in s.stack.requests.messages} == set(ids)
        # EC2 does not know them: a minute's patience, for they may be too new to be shown.
        s.run(120)
        assert s.stack.requests.messages == []
        assert s.writes() == 0


def test_an_unreachable_api_server_keeps_the_messages_and_names_the_remedy() -> None:
    with scene() as s:
        with s.stack.cluster.failing(Fault.unavailable()):
            instance_id = s.launch()
            s.run(120)
            assert s.stack.requests.messages
            assert any("security group" in line for line in s.stack.journal.warnings), s.stack.journal.warnings
        s.run(120)
        assert len(s.pools(instance_id)) == 2


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"instanceIDs": []}, "instanceIDs"),
        ({"instanceIds": ["eni-1"]}, "eni-1"),
        ({"dryRun": "yes please"}, "dryRun"),
        ("all", "JSON object"),
    ],
)
def test_a_malformed_manual_resync_is_refused_with_what_is_wrong(payload: object, said: str) -> None:
    with scene() as s, pytest.raises(FunctionError, match=said):
        s.stack.bus.invoke_resync(payload)


def test_an_empty_listing_trips_the_fuse_and_removes_nothing_however_long_it_lasts() -> None:
    with scene() as s:
        instance_id = s.launch()
        s.run(120)
        s.stack.put_policy(policy_text())
        untag(s, instance_id)
        s.run(1800)
        assert len(s.pools(instance_id)) == 2
        assert s.stack.fuse()["state"] == "tripped"
        assert s.stack.journal.counts["FuseTripped"] > 0


def test_a_mistyped_cluster_in_the_policy_removes_nothing_and_raises_the_alarm() -> None:
    with scene() as s:
        instance_id = s.launch()
        s.run(120)
        s.stack.put_policy(policy_text(cluster="prdo"))
        s.run(1800)
        assert len(s.pools(instance_id)) == 2
        assert s.stack.journal.counts["ClusterMismatch"] > 0
        assert any("the policy's cluster is 'prdo'" in line for line in s.stack.journal.warnings)


def test_a_tripped_fuse_lets_a_new_node_in_and_a_terminated_one_out() -> None:
    with scene() as s:
        first = s.launch()
        s.run(120)
        untag(s, first)
        s.run(310)
        assert s.stack.fuse()["state"] == "tripped"
        second = s.launch()
        s.run(120)
        assert len(s.pools(second)) == 2
        s.stack.model.call("TerminateInstances", {"InstanceIds": [second]})
        s.run(60)
        assert s.pools(second) == []

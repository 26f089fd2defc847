"""An Event on a Node, as the adapter sends it."""

import pytest

from spiderpool_aws.domain.errors import Refused
from spiderpool_aws.domain.node_events import NodeEvent
from tests.unit.adapters.doubles import Reply, status
from tests.unit.adapters.test_cluster import NOW, connect

EVENT = NodeEvent("n", "u", "PoolsReady", "all are in place", NOW, "once")


def test_an_event_is_created_in_the_default_namespace_about_the_node() -> None:
    cluster, rest, _ = connect(Reply(201, {}))
    cluster.post_event(EVENT)
    [sent] = rest.sent
    assert (sent.method, sent.path) == ("POST", "/api/v1/namespaces/default/events")
    assert sent.body["involvedObject"] == {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u"}
    assert (sent.body["metadata"]["name"], sent.body["type"]) == (EVENT.name, "Normal")
    assert sent.body["reportingComponent"] == "spiderpool-aws"


def test_an_event_that_is_there_already_is_success_and_a_forbidden_one_is_not() -> None:
    exists = status(409, 'events "n.1" already exists', "AlreadyExists")
    cluster, _, _ = connect(exists, status(403, 'User "x" cannot create resource "events"'))
    cluster.post_event(EVENT)
    with pytest.raises(Refused, match="needs the verb create on events"):
        cluster.post_event(EVENT)

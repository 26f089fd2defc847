"""What people ask of the API server: each request, and what its answer means."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration

from spiderpool_aws.adapters.cluster_facts import ClusterFacts, ToldEvent
from spiderpool_aws.adapters.credentials import FixedCredentials
from spiderpool_aws.domain.errors import Code, Refused, RetryLater
from spiderpool_aws.local.cluster import connect_in_process
from spiderpool_aws.local.cluster.answers import Answer
from spiderpool_aws.manifests.rbac import RULES


@dataclass
class Server:
    """Answers every request with the same, and remembers what was asked."""

    body: dict[str, Any]
    status: int = 200
    token: str = "t"
    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)

    def request(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        self.asked.append((method, path, dict(query), json.loads(body) if body else None))
        return Answer(self.status, self.body)

    def facts(self) -> ClusterFacts:
        api, double = ApiClient(Configuration(host="https://cluster.local")), self
        connect_in_process(api, double)  # type: ignore[arg-type]
        return ClusterFacts(FixedCredentials(api))


def listing(*items: dict[str, Any]) -> Server:
    return Server({"kind": "List", "metadata": {}, "items": list(items)})


def test_the_version_is_the_servers_own() -> None:
    server = Server({"gitVersion": "v1.34.4"})
    assert server.facts().version() == "v1.34.4"
    assert server.asked[0][:2] == ("GET", "/version")


def test_events_of_a_node_come_in_order_of_time_whoever_wrote_them() -> None:
    new = {"lastTimestamp": "2026-01-02T00:00:00Z", "type": "Warning", "reason": "B", "message": "b",
           "source": {"component": "kubelet"}}  # fmt: skip
    old = {"eventTime": "2026-01-01T00:00:00Z", "reason": "A", "message": "a", "reportingComponent": "us"}
    server = listing(new, old)
    assert list(server.facts().events_of("n1")) == [
        ToldEvent("2026-01-01T00:00:00Z", False, "A", "a", "us"),
        ToldEvent("2026-01-02T00:00:00Z", True, "B", "b", "kubelet"),
    ]
    assert server.asked[0][2]["fieldSelector"] == "involvedObject.kind=Node,involvedObject.name=n1"


@pytest.mark.parametrize(
    ("items", "config"),
    [
        ([{"data": {"conf.yml": "enableStatefulSet: false\nenableIPv4: true\n"}}], False),
        ([{"data": {"conf.yml": "enableStatefulSet: true\n"}}], True),
    ],
)
def test_spiderpools_settings_are_read_from_its_config_map(items: list[dict[str, Any]], config: bool) -> None:
    server = listing(*items)
    found = server.facts().spiderpool_config()
    assert found is not None
    assert found["enableStatefulSet"] is config
    method, path, query, _ = server.asked[0]
    assert (method, path, query["fieldSelector"]) == ("GET", "/api/v1/configmaps", "metadata.name=spiderpool-conf")


@pytest.mark.parametrize("items", [[], [{}], [{"data": {"conf.yml": "a: [b"}}], [{"data": {"conf.yml": "text"}}]])
def test_settings_that_are_not_there_or_cannot_be_read_are_none(items: list[dict[str, Any]]) -> None:
    assert listing(*items).facts().spiderpool_config() is None


def test_a_pool_is_tried_as_a_dry_run_only() -> None:
    server = Server({"kind": "SpiderIPPool"}, 201)
    server.facts().try_pool()
    method, path, query, body = server.asked[0]
    assert (method, query["dryRun"]) == ("POST", "All")
    assert path == "/apis/spiderpool.spidernet.io/v2beta1/spiderippools"
    assert body["spec"]["subnet"] == "192.0.2.0/24"


def test_rights_are_asked_of_the_api_server_for_a_user_or_for_oneself() -> None:
    server = Server({"status": {"allowed": True}}, 201)
    facts, rule = server.facts(), RULES[0]
    assert facts.allows(rule, "list", "aws:role")
    assert facts.allows(rule, "list")
    (_, other, _, asked), (_, own, _, self_asked) = server.asked
    assert other == "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    assert own == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    assert asked["spec"]["user"] == "aws:role"
    assert asked["spec"]["resourceAttributes"] == {
        "group": "spiderpool.spidernet.io", "resource": "spiderippools", "verb": "list", "namespace": "",
    }  # fmt: skip
    assert "user" not in self_asked["spec"]
    server.body = {"status": {"allowed": False, "denied": True}}
    assert not facts.allows(rule, "list")


def test_who_may_not_ask_for_others_is_refused_as_such() -> None:
    said = 'subjectaccessreviews.authorization.k8s.io is forbidden: User "me" cannot create resource "x"'
    server = Server({"kind": "Status", "reason": "Forbidden", "message": said}, 403)
    with pytest.raises(Refused) as refused:
        server.facts().allows(RULES[0], "list", "aws:role")
    assert refused.value.code is Code.FORBIDDEN


def test_a_listing_that_fails_is_said() -> None:
    server = Server({"kind": "Status", "reason": "InternalError", "message": "boom"}, 500)
    with pytest.raises(RetryLater, match="boom"):
        server.facts().events_of("n1")

"""Every saved query finds something in the lines that the functions really write, and names no field that they lack."""

import io
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from spiderpool_aws.adapters.reporting import PowertoolsReporter
from spiderpool_aws.deployment import GIVE_UP, RECONCILE_NODES, ROUTE_EVENT, VISIBILITY_TIMEOUT
from spiderpool_aws.local.ec2.calls import Fault
from spiderpool_aws.local.ec2.fixtures import Network, SubnetPlan, create_network, launch
from spiderpool_aws.local.kubelet import Kubelets
from spiderpool_aws.local.stack import LocalStack
from spiderpool_aws.queries import EVENT, INSTANCE, QUERIES, Query
from tests.integration.insights import fields_of, flat, run

POLICY = """
version: 1
cluster: prod
groups:
  - name: workers
    interfaces: [{deviceIndex: 0, host: ens5, multus: kube-system/ipvlan-ens5, ipv4: {addresses: 3}}]
"""
SYSTEM_FIELDS = {"@timestamp", "@message"}


class LoggedStack(LocalStack):
    """A local stack whose functions log as in Lambda; `streams` has each one's log."""

    def __init__(self, policy: str) -> None:
        self.streams: defaultdict[str, io.StringIO] = defaultdict(io.StringIO)
        super().__init__(policy)

    def reporter(self, name: str) -> PowertoolsReporter:
        service = f"spiderpool-aws-prod-{name.replace('_', '-')}"
        logger = Logger(service=service, stream=self.streams[name], logger_handler=None)
        return PowertoolsReporter(service, logger)

    def lines(self, name: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.streams[name].getvalue().splitlines()]
        return [flat(line) | {"@timestamp": line["timestamp"], "@message": json.dumps(line)} for line in found]


class Trouble:
    """A cluster in which everything happens that an operator asks about."""

    def __init__(self, stack: LoggedStack) -> None:
        self.stack = stack
        self.network: Network = create_network(stack.model, {"a": SubnetPlan("10.0.0.0/22")}, ipv6=False)
        self.kubelets = Kubelets(stack.model, stack.cluster, stack.agent)
        self.broken: dict[str, Fault | BaseException] = {}
        stack.model.inject(self._fail)

    def happen(self) -> str:
        good = [self.launch() for _ in range(7)]
        self.broken[self.eni_of(self.launch())] = Fault.refuse("UnauthorizedOperation", "You are not allowed.", 403)
        self.broken[self.eni_of(self.launch())] = Fault.refuse("Unavailable", "The service is unavailable.", 503)
        self.stack.bus.advance(120)
        self.kubelets.join_seconds = 2 * GIVE_UP.total_seconds()
        self.launch()
        self.broken[self.eni_of(self.launch())] = SystemExit("out of memory")
        self.stack.bus.put({"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {}})
        self.stack.bus.advance(GIVE_UP.total_seconds() + 3 * VISIBILITY_TIMEOUT.total_seconds())
        self.stack.put_policy("version: 2")
        tag = {"Key": "spiderpool-aws/cluster"}
        self.stack.model.call("DeleteTags", {"Resources": list(self.stack.model.instances), "Tags": [tag]})
        self.stack.bus.advance(300)
        return good[0]

    def launch(self, tags: dict[str, str] | None = None) -> str:
        nic = {"SubnetId": self.network.subnets["a"], "Groups": [self.network.group_id]}
        return launch(self.stack.model, [nic], tags=tags or {"spiderpool-aws/cluster": "prod"})

    def eni_of(self, instance_id: str) -> str:
        enis = self.stack.model.enis.values()
        return next(eni.id for eni in enis if eni.attachment and eni.attachment.instance_id == instance_id)

    def _fail(self, operation: str, params: Mapping[str, Any]) -> Fault | None:
        fault = self.broken.get(params["NetworkInterfaceId"]) if operation == "AssignPrivateIpAddresses" else None
        if isinstance(fault, BaseException):
            raise fault
        return fault


Logs = Mapping[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def happened() -> Iterator[tuple[Logs, str, str]]:
    """Return the log of each function, an instance that is in them, and the event of its launch."""
    with LoggedStack(POLICY) as stack:
        instance_id = Trouble(stack).happen()
        logs = {name: stack.lines(name) for name in stack.functions}
        event = next(line["correlation_id"] for line in logs["route_event"] if line["instance"] == instance_id)
        yield logs, instance_id, event


def read(query: Query, logs: Logs) -> list[dict[str, Any]]:
    lines = [line for function in query.functions for line in logs[function.name]]
    return sorted(lines, key=lambda line: str(line["@timestamp"]))


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_a_query_names_fields_that_lines_have_and_finds_some(query: Query, happened: tuple[Logs, str, str]) -> None:
    logs, instance_id, event = happened
    lines = read(query, logs)
    missing = fields_of(query.text) - SYSTEM_FIELDS - {field for line in lines for field in line}
    assert missing == set()
    assert run(query.text.replace(INSTANCE, instance_id).replace(EVENT, event), lines)


def test_every_line_says_what_it_is_about(happened: tuple[Logs, str, str]) -> None:
    logs, _, _ = happened
    for name, lines in logs.items():
        assert lines, name
        for line in lines:
            assert {"instance", "eni", "node", "correlation_id", "function_request_id"} <= line.keys()
            assert line["correlation_id"], line


def test_one_event_is_followed_from_the_router_to_the_last_pass_over_its_node(
    happened: tuple[Logs, str, str],
) -> None:
    logs, instance_id, event = happened
    routed = [line for line in logs[ROUTE_EVENT.name] if line["correlation_id"] == event]
    passes = [line for line in logs[RECONCILE_NODES.name] if line["correlation_id"] == event]
    assert {line["instance"] for line in (*routed, *passes)} == {instance_id}
    assert any(line["eni"] for line in passes)


def test_a_pass_ends_with_one_line_that_a_person_can_read(happened: tuple[Logs, str, str]) -> None:
    logs, instance_id, _ = happened
    ends = [
        line["message"]
        for line in logs[RECONCILE_NODES.name]
        if line["instance"] == instance_id and "detail.status" in line
    ]
    node = next(line["node"] for line in logs[RECONCILE_NODES.name] if line["instance"] == instance_id and line["node"])
    assert f"{instance_id} ({node}): done: converged" in ends[-1]
    assert any(end.endswith("writes") for end in ends)

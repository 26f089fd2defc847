"""The worker makes EC2's calls by what its application has for it: several at a time in Lambda, in turn on a clock."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

import pytest

from spiderpool_aws.adapters.threads import Threads
from spiderpool_aws.bootstrap import Application, application, install
from spiderpool_aws.executor import InTurn
from spiderpool_aws.local.ec2.fixtures import SubnetPlan, create_network, launch
from spiderpool_aws.local.kubelet import Kubelets
from spiderpool_aws.local.stack import LocalStack
from tests.integration.scene import TAGS, policy_text

R = TypeVar("R")


class Counted(InTurn):
    def __init__(self) -> None:
        self.calls = 0

    def submit(self, call: Callable[[], R]) -> Future[R]:
        self.calls += 1
        return super().submit(call)


class CountedStack(LocalStack):
    def __init__(self, policy: str, executor: Counted) -> None:
        self._executor = executor
        super().__init__(policy)

    def application(self, name: str) -> Application:
        app = super().application(name)
        app.executor = self._executor
        return app


def test_the_worker_makes_ec2s_calls_by_its_applications_executor() -> None:
    executor = Counted()
    with CountedStack(policy_text(nics=1), executor) as stack:
        Kubelets(stack.model, stack.cluster, stack.agent)
        network = create_network(stack.model, {"nodes": SubnetPlan("10.0.0.0/24")})
        launch(stack.model, [{"SubnetId": network.subnets["nodes"]}], tags=TAGS)
        stack.bus.advance(60)
    assert executor.calls == 1, "the assignment"


def test_in_lambda_they_are_made_in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    install(None)
    try:
        assert isinstance(application("reconcile_nodes").executor, Threads)
    finally:
        install(None)

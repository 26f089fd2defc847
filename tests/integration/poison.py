"""A stack with the command line connected to it, for messages that nobody can work on."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse, HTTPHeaders
from typer.testing import CliRunner

from spiderpool_aws.cli import dlq
from spiderpool_aws.cli.main import app
from spiderpool_aws.deployment import Names
from spiderpool_aws.local.ec2.calls import Fault
from spiderpool_aws.local.isolated import isolated_session
from spiderpool_aws.local.queues import LocalQueue
from spiderpool_aws.local.stack import LocalStack
from tests.integration.bus.test_stack import POLICY, World


class Scene(World):
    """Nodes of one NIC each, the queues under the names of a deployment, and the command line connected to them."""

    def __init__(self, stack: LocalStack) -> None:
        self._what = {queue.name: queue for queue in (stack.requests, stack.dead_requests, stack.lost_events)}
        self.name_queues("prod")
        super().__init__(stack)
        self.invoked: list[tuple[str, Any]] = []
        self.after_a_call: Callable[[str], None] = lambda _: None
        """What happens after each call of the command line, whose operation it is given."""

    def name_queues(self, cluster: str) -> None:
        """Call the queues as the deployment of this cluster does."""
        for what, queue in self._what.items():
            queue.name = Names(cluster).of(what)

    def dlq(self, *arguments: str, cluster: str = "prod", code: int = 0) -> Any:
        """Run the command line; return its JSON."""
        ended, printed, errors = self.run(*arguments, "--cluster", cluster, "--output", "json")
        assert (ended, errors) == (code, "")
        return json.loads(printed)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, ["dlq", *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.exit_code, result.stdout, result.stderr

    def session(self, _: str) -> Any:
        session: Any = isolated_session(self.stack.model.region)
        self.stack.sqs.connect(session)
        session.events.register("before-parameter-build.lambda", self._keep)
        session.events.register("before-call.lambda", self._invoke)
        session.events.register("after-call", lambda model, **_: self.after_a_call(model.name))
        return session

    def _keep(self, params: Mapping[str, Any], **_: Any) -> None:
        self.invoked.append((params["FunctionName"], json.loads(params["Payload"])))

    def _invoke(self, **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        return AWSResponse("https://lambda", 202, HTTPHeaders(), None), {"StatusCode": 202}

    @contextmanager
    def never_assigned(self, instance_id: str, fault: Fault | BaseException) -> Iterator[None]:
        """Have every assignment to an instance's NIC fail, or end the function's process."""
        eni_id = self.eni_of(instance_id)

        def hook(operation: str, params: Mapping[str, Any]) -> Fault | None:
            if operation != "AssignPrivateIpAddresses" or params["NetworkInterfaceId"] != eni_id:
                return None
            if isinstance(fault, BaseException):
                raise fault
            return fault

        mend = self.stack.model.inject(hook)
        yield
        mend()


@contextmanager
def poison_scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Yield a new scene, whose queues the command line finds."""
    with LocalStack(POLICY) as stack:
        made = Scene(stack)
        monkeypatch.setattr(dlq, "session", made.session)
        yield made


def groups(queue: LocalQueue) -> list[str]:
    return sorted({message.group for message in queue.messages})

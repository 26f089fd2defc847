"""A worker that is stopped between two calls: Lambda ends its process, and the message comes back to a new one."""

from collections.abc import Mapping
from typing import Any

from lambdas import reconcile_nodes
from spiderpool_aws.local.cluster import ClusterWrite
from spiderpool_aws.local.cluster.double import PRODUCT
from spiderpool_aws.local.ec2 import Ec2Call
from tests.integration.scene import Scene

NAME = "reconcile_nodes"


class StoppedWorker(BaseException):
    """The process ends here."""


class Stopper:
    """Counts the writes of the worker, and ends its process right after that of a number; 0: before the first."""

    def __init__(self, s: Scene, stop_after: int | None) -> None:
        self._scene, self._stop_after = s, stop_after
        self.writes: list[str] = []
        """What was written, in order."""
        self._inside = False
        self._renew()
        s.stack.model.inject(self._before)
        s.stack.model.observe(self._after_call)
        s.stack.cluster.inject(lambda method, path: self._start(method))
        s.stack.cluster.observe(self._after_write)

    def _renew(self) -> None:
        """Give the function a new sandbox: what its process remembered is gone."""
        handler = self._scene.stack._as_function(NAME, reconcile_nodes.handler)

        def run(event: Any, context: Any) -> Any:
            self._inside = True
            try:
                return handler(event, context)
            except StoppedWorker:
                self._renew()
                raise
            finally:
                self._inside = False

        self._scene.stack.functions[NAME].handler = run

    def _before(self, operation: str, params: Mapping[str, Any]) -> None:
        self._start("GET" if operation.startswith("Describe") else operation)

    def _start(self, verb: str) -> None:
        if self._inside and verb != "GET" and self._stop_after == 0:
            self._stop()

    def _after_call(self, call: Ec2Call) -> None:
        if self._inside and not call.operation.startswith("Describe") and call.took_effect:
            self._wrote(call.operation)

    def _after_write(self, write: ClusterWrite) -> None:
        if self._inside and write.user == PRODUCT and write.status < 400:
            self._wrote(f"{write.verb} {write.resource}")

    def _wrote(self, what: str) -> None:
        self.writes.append(what)
        if len(self.writes) == self._stop_after:
            self._stop()

    def _stop(self) -> None:
        self._stop_after = None
        raise StoppedWorker

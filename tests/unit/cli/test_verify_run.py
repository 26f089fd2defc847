"""`verify` reports what the pods say, and leaves nothing behind, however it ends."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from spiderpool_aws.adapters.probes import PodState
from spiderpool_aws.cli.verify_plan import Kind, Site, Spot, Verdict
from spiderpool_aws.cli.verify_pods import LABEL, Manifests
from spiderpool_aws.cli.verify_run import Verification
from spiderpool_aws.domain.errors import Code, Refused, RetryLater
from tests.unit.build import v4

A = Spot("a", "kube-system/ipvlan-ens5", frozenset({"10.0.0.0/24"}))
B = Spot("b", "kube-system/ipvlan-ens5", frozenset({"10.0.1.0/24"}))
SITE = Site(
    (A, B), {"a": ("10.0.0.4",), "b": ("10.0.1.4",)}, {"a": (v4("10.0.0.5"),), "b": (v4("10.0.1.5"),)}, ("ens5",)
)


@dataclass
class Pods:
    """A cluster whose kubelets run every script without a network of their own: the check passes unless told not to."""

    fails: str = "nothing"
    """A pattern of the commands that fail."""
    without_address: str = ""
    without_image: str = ""
    refused: str = ""
    undeletable: str = ""
    interrupted_by: str = ""
    interrupted_again: str = ""
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    waits: int = 0

    def create_pod(self, manifest: Mapping[str, Any]) -> None:
        name = manifest["metadata"]["name"]
        if self.refused and name.endswith(self.refused):
            raise Refused("a webhook says no", Code.DENIED)
        self.objects[name] = dict(manifest)

    def create_service(self, manifest: Mapping[str, Any]) -> str:
        if self.refused == "service":
            raise Refused("no such namespace", Code.INVALID)
        self.objects[manifest["metadata"]["name"]] = dict(manifest)
        return "10.96.0.1"

    def pod(self, namespace: str, name: str) -> PodState | None:
        if self.interrupted_by and name.endswith(self.interrupted_by):
            raise KeyboardInterrupt
        if self.without_address and name.endswith(self.without_address):
            return PodState(reason="ContainerCreating")
        if self.without_image and name.endswith(self.without_image):
            return PodState(ips=("10.0.9.9",), reason="ImagePullBackOff")
        pod = self.objects[name]
        number = len([known for known in sorted(self.objects) if known < name])
        if pod["metadata"]["labels"]["role"] == "server":
            return PodState(ips=(f"10.0.9.{number}",), running=True)
        return PodState(ended=True, message=self._ran(pod["spec"]["containers"][0]["command"][2]))

    def _ran(self, script: str) -> str:
        checks = re.findall(r"^t (\d+) (.*) &$", script, re.MULTILINE)
        said = [f"{number} {'failed' if re.search(self.fails, command) else 'ok'}" for number, command in checks]
        return "\n".join([*said, *(["addr ens5 10.0.0.4/24"] if "ip -o addr" in script else [])])

    def remove_pod(self, namespace: str, name: str) -> None:
        if self.undeletable and name.endswith(self.undeletable):
            raise RetryLater("no answer")
        if self.interrupted_again and name.endswith(self.interrupted_again):
            raise KeyboardInterrupt
        self.objects.pop(name, None)

    def remove_service(self, namespace: str, name: str) -> None:
        self.objects.pop(name, None)

    def pause(self, seconds: float) -> None:
        self.waits += 1


def verification(pods: Pods) -> Verification:
    return Verification(pods, Manifests("run1", "default"), SITE, "http://outside", pods.pause, 10)


def failed(found: list[Verdict]) -> list[tuple[Kind, str]]:
    return [(verdict.kind, verdict.source) for verdict in found if not verdict.ok]


def test_where_everything_reaches_everything_all_is_well_and_nothing_is_left() -> None:
    pods = Pods()
    found = verification(pods).run()
    assert failed(found) == []
    assert {verdict.kind for verdict in found} == set(Kind) - {Kind.STARTED}
    assert pods.objects == {}


def test_what_does_not_reach_what_it_should_is_told() -> None:
    assert failed(verification(Pods(fails=r"ping .*10\.0\.1\.4")).run()) == [(Kind.POD_HOST, f"pod {B}")]
    assert failed(verification(Pods(fails="outside")).run()) == [(Kind.EGRESS, f"pod {A}"), (Kind.EGRESS, f"pod {B}")]


def test_a_pod_without_an_address_is_told_with_its_reason_and_the_others_are_tried() -> None:
    pods = Pods(without_address="-s1")
    found = verification(pods).run()
    assert failed(found) == [(Kind.STARTED, str(B))]
    assert "ContainerCreating" in next(verdict.detail for verdict in found if not verdict.ok)
    assert pods.waits == 5
    assert pods.objects == {}


def test_a_pod_that_has_an_address_and_does_not_run_is_told_and_nobody_is_sent_to_it() -> None:
    found = verification(Pods(without_image="-s1")).run()
    assert [(v.kind, v.source, v.detail.partition(":")[0]) for v in found if not v.ok] == [
        (Kind.STARTED, str(B), "ImagePullBackOff")
    ]
    assert not any("10.0.9.9" in verdict.target for verdict in found)


def test_where_the_service_is_refused_nothing_was_created_and_nothing_is_to_be_removed() -> None:
    run = verification(Pods(refused="service"))
    with pytest.raises(Refused, match="no such namespace"):
        run.run()
    assert run.left_behind == []


def test_what_a_second_ctrl_c_keeps_from_being_removed_is_named() -> None:
    pods = Pods(interrupted_by="-p0", interrupted_again="-s1")
    run = verification(pods)
    with pytest.raises(KeyboardInterrupt):
        run.run()
    assert {what.partition("/")[2] for what in run.left_behind} == set(pods.objects)
    assert f"service/{run.manifests.name('service')}" in run.left_behind


def test_a_pod_that_is_refused_is_told_and_the_others_are_tried() -> None:
    pods = Pods(refused="-s0")
    found = verification(pods).run()
    assert failed(found) == [(Kind.STARTED, str(A))]
    assert pods.objects == {}


@pytest.mark.parametrize("when", ["-s0", "-s1", "-p0", "-h1"])
def test_nothing_is_left_when_it_is_interrupted(when: str) -> None:
    pods = Pods(interrupted_by=when)
    with pytest.raises(KeyboardInterrupt):
        verification(pods).run()
    assert pods.objects == {}


def test_what_cannot_be_removed_is_named() -> None:
    pods = Pods(undeletable="-s1")
    run = verification(pods)
    run.run()
    assert run.left_behind == ["pod/spiderpool-aws-verify-run1-s1"]
    assert list(pods.objects) == ["spiderpool-aws-verify-run1-s1"]


def test_every_object_carries_the_runs_label_and_ends_by_itself() -> None:
    manifests = Manifests("run1", "test")
    made = [manifests.server("s0", A), manifests.probe("p0", A, "true"), manifests.host_probe("h0", "a", "true")]
    for pod in made:
        assert pod["metadata"]["labels"][LABEL] == "run1"
        assert pod["spec"]["activeDeadlineSeconds"]
    assert [pod["spec"]["hostNetwork"] for pod in made] == [False, False, True]
    assert manifests.service("service")["spec"]["selector"] == {LABEL: "run1", "role": "server"}

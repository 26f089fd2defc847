"""Carries out what `verify` tries, and takes everything away again, whatever happens in between."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from spiderpool_aws.cli.verify_plan import (
    Check,
    Kind,
    Site,
    Spot,
    Verdict,
    host_address_verdict,
    host_checks,
    pod_checks,
    script,
    verdicts,
)
from spiderpool_aws.domain.errors import Refused, RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from spiderpool_aws.adapters.probes import PodState
    from spiderpool_aws.cli.verify_pods import Manifests

POLL_SECONDS = 2.0
SERVICE = "service"


class ProbePort(Protocol):
    """Pods and a Service in the cluster: `adapters.probes`."""

    def create_pod(self, manifest: Mapping[str, Any]) -> None:
        """Create a pod."""

    def create_service(self, manifest: Mapping[str, Any]) -> str:
        """Create a Service and return its ClusterIP."""

    def pod(self, namespace: str, name: str) -> PodState | None:
        """Return how a pod is; None when there is none."""

    def remove_pod(self, namespace: str, name: str) -> None:
        """Delete a pod; none is success."""

    def remove_service(self, namespace: str, name: str) -> None:
        """Delete a Service; none is success."""


@dataclass(slots=True)
class Verification:
    """One run. `pause` lets time pass; a pod has `patience_seconds` to start, and then to end."""

    probes: ProbePort
    manifests: Manifests
    site: Site
    egress: str
    pause: Callable[[float], None]
    patience_seconds: float = 120.0
    left_behind: list[str] = field(default_factory=list)
    """What could not be removed, for the person to remove."""
    _pods: list[str] = field(default_factory=list)
    _has_service: bool = False

    def run(self) -> list[Verdict]:
        """Return every verdict. Pods and Service are removed also when something raises, a Ctrl-C among it."""
        try:
            return self._run()
        finally:
            self._remove()

    def _run(self) -> list[Verdict]:
        service = self._create_service()
        named = {f"s{number}": spot for number, spot in enumerate(self.site.spots)}
        found: list[Verdict] = []
        for what, spot in named.items():
            found += self._create(what, str(spot), self.manifests.server(what, spot))
        states = self._wait(list(named), lambda state: _serves(state) or state.ended)
        servers: dict[Spot, Sequence[str]] = {}
        for what, spot in named.items():
            state = states.get(what)
            if state is not None and _serves(state) and not state.ended:
                servers[spot] = state.ips
            elif what in self._pods:
                found.append(_not_started(str(spot), state))
        return found + self._probe(servers, service)

    def _probe(self, servers: Mapping[Spot, Sequence[str]], service: str) -> list[Verdict]:
        found: list[Verdict] = []
        checks: dict[str, Sequence[Check]] = {}
        for number, spot in enumerate(servers):
            what = f"p{number}"
            checks[what] = pod_checks(spot, self.site, servers, service, self.egress)
            found += self._create(what, str(spot), self.manifests.probe(what, spot, script(checks[what])))
        hosts = {f"h{number}": node for number, node in enumerate(self.site.hosts)}
        for what, node in hosts.items():
            checks[what] = host_checks(node, servers)
            body = script(checks[what], self.site.nics)
            found += self._create(what, node, self.manifests.host_probe(what, node, body))
        states = self._wait(list(checks), lambda state: state.ended)
        for what, tried in checks.items():
            state = states.get(what)
            message = state.message if state is not None else ""
            found += verdicts(tried, message)
            if what in hosts:
                found.append(host_address_verdict(hosts[what], message, self.site.offered[hosts[what]]))
        return found

    def _create_service(self) -> str:
        self._has_service = True
        try:
            return self.probes.create_service(self.manifests.service(SERVICE))
        except Refused:
            self._has_service = False
            raise

    def _create(self, what: str, where: str, manifest: dict[str, Any]) -> list[Verdict]:
        # Before the call: one whose answer is lost may be there all the same.
        self._pods.append(what)
        try:
            self.probes.create_pod(manifest)
        except Refused as refused:
            self._pods.remove(what)
            return [Verdict(Kind.STARTED, where, "", ok=False, detail=refused.reason)]
        return []

    def _wait(self, names: Sequence[str], is_ready: Callable[[PodState], bool]) -> dict[str, PodState]:
        """Return the last state of each pod, when all are ready or nobody has patience any more."""
        waited, states = 0.0, {}
        asked = [what for what in names if what in self._pods]
        while True:
            for what in asked:
                state = self.probes.pod(self.manifests.namespace, self.manifests.name(what))
                if state is not None:
                    states[what] = state
            if all(what in states and is_ready(states[what]) for what in asked) or waited >= self.patience_seconds:
                return states
            self.pause(POLL_SECONDS)
            waited += POLL_SECONDS

    def _remove(self) -> None:
        """Remove everything; what is not removed, because of a second Ctrl-C, too, stays in `left_behind`."""
        namespace, manifests, probes = self.manifests.namespace, self.manifests, self.probes
        removals = {f"pod/{manifests.name(what)}": (probes.remove_pod, manifests.name(what)) for what in self._pods}
        if self._has_service:
            removals[f"service/{manifests.name(SERVICE)}"] = (probes.remove_service, manifests.name(SERVICE))
        self.left_behind.extend(removals)
        for what, (remove, name) in removals.items():
            for _ in range(2):
                with suppress(Refused, RetryLater):
                    remove(namespace, name)
                    self.left_behind.remove(what)
                    break


def _serves(state: PodState) -> bool:
    return state.running and bool(state.ips)


def _not_started(where: str, state: PodState | None) -> Verdict:
    reason = state.reason if state is not None and state.reason else "it did not start in time"
    return Verdict(Kind.STARTED, where, "", ok=False, detail=f"{reason}: kubectl describe pod, spiderpool-aws explain")

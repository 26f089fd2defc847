"""What `verify` tries, and what it makes of the answers; the script runs in a real shell."""

import subprocess
from dataclasses import replace
from pathlib import Path

from spiderpool_aws.cli.verify_plan import (
    LOG,
    Check,
    Kind,
    Site,
    Spot,
    host_address_verdict,
    host_checks,
    pod_checks,
    script,
    site_of,
    verdicts,
)
from tests.unit.build import v4
from tests.unit.fleet import POLICY, Fleet

A = Spot("a", "kube-system/ipvlan-ens5", frozenset({"10.0.0.0/24"}))
B = Spot("b", "kube-system/ipvlan-ens6", frozenset({"10.0.1.0/24"}))
SITE = Site((A, B), {"a": ("10.0.0.4",), "b": ("10.0.1.4",)}, {"a": (v4("10.0.0.5"),), "b": ()}, ("ens5",))
SERVERS = {A: ("10.0.0.5", "2001:db8::5"), B: ("10.0.1.5",)}


def test_a_pod_tries_its_host_the_other_pods_a_cluster_ip_and_the_outside() -> None:
    checks = pod_checks(A, SITE, SERVERS, "10.96.0.1", "http://example.com/?a=b&c")
    assert [(check.kind, check.command) for check in checks] == [
        (Kind.POD_HOST, "ping -c 1 -W 5 10.0.0.4"),
        (Kind.POD_POD, "wget -q -T 5 -O /dev/null http://10.0.1.5:8080/"),
        (Kind.CLUSTER_IP, "wget -q -T 5 -O /dev/null http://10.96.0.1:80/"),
        (Kind.EGRESS, "wget -q -T 5 -O /dev/null 'http://example.com/?a=b&c'"),
    ]


def test_a_host_tries_the_pods_that_run_on_it_by_every_address() -> None:
    commands = [check.command for check in host_checks("a", SERVERS)]
    assert [command.rpartition("//")[2] for command in commands] == ["10.0.0.5:8080/", "[2001:db8::5]:8080/"]


def test_without_a_service_or_an_outside_neither_is_tried() -> None:
    assert {check.kind for check in pod_checks(A, SITE, SERVERS, "", "")} == {Kind.POD_HOST, Kind.POD_POD}


def test_the_script_says_of_each_check_how_it_went_and_what_the_hosts_nics_hold(tmp_path: Path) -> None:
    log = tmp_path / "log"
    shown = (
        "2: ens5    inet 10.0.0.4/24 brd 10.0.0.255 scope global ens5\\n2: ens5    inet 10.0.0.5/24 scope global ens5"
    )
    ip = tmp_path / "ip"
    ip.write_text(f"#!/bin/sh\nprintf '{shown}\\n'\n")
    ip.chmod(0o755)
    (tmp_path / "sleep").write_text("#!/bin/sh\n")
    (tmp_path / "sleep").chmod(0o755)
    checks = [Check(Kind.POD_POD, "pod", str(number), command) for number, command in enumerate(("true", "false"))]
    body = script(checks, ["ens5"]).replace(LOG, str(log))
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["/bin/sh", "-c", body], env=path, check=True, timeout=30)  # noqa: S603 - our own script
    message = log.read_text()
    assert [(verdict.ok, verdict.detail) for verdict in verdicts(checks, message)] == [(True, ""), (False, "")]
    held = host_address_verdict("a", message, SITE.offered["a"])
    assert (held.ok, "10.0.0.5 on ens5" in held.detail, "10.0.0.4" in held.detail) == (False, True, False)


def test_a_host_that_holds_only_its_own_is_fine_and_one_of_which_nothing_is_known_is_not() -> None:
    assert host_address_verdict("a", "addr ens5 10.0.0.4/24\n", SITE.offered["a"]).ok
    assert host_address_verdict("a", "", SITE.offered["a"]).detail == "the probe saw no address"


def test_a_check_of_which_the_probe_says_nothing_has_failed() -> None:
    [verdict] = verdicts([Check(Kind.EGRESS, "pod", "out", "true")], "")
    assert (verdict.ok, verdict.detail) == (False, "the probe said nothing of it")


def test_nodes_that_bring_another_subnet_are_looked_at_first_and_full_or_disabled_pools_not_at_all() -> None:
    fleet = Fleet(5)
    pools = [
        replace(pool, spec=replace(pool.spec, subnet=subnet))
        for pool, subnet in zip(
            sorted(fleet.cluster.pools.values(), key=lambda pool: pool.name),
            ("10.0.0.0/24", "10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"),
            strict=True,
        )
    ]
    pools[3] = replace(pools[3], allocated=pools[3].spec.ips)
    pools[4] = replace(pools[4], spec=replace(pools[4].spec, disable=True))
    site = site_of(pools, fleet.cluster.nodes.values(), POLICY, 2)
    assert [spot.node for spot in site.spots] == ["node-0", "node-2"]
    assert site.hosts == {"node-0": ("10.0.9.0",), "node-2": ("10.0.9.2",)}
    assert site.offered["node-2"] == (pools[2].spec.ips,)
    assert site.nics == ("ens5",)
    everything = site_of(pools, fleet.cluster.nodes.values(), POLICY, 9)
    assert [spot.node for spot in everything.spots] == ["node-0", "node-1", "node-2"]

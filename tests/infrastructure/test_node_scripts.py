"""The scripts of the nodes' user data, run against a root folder, instance metadata on loopback and a strict `ip`."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from spiderpool_aws.domain.policy.model import parse_policy
from stacks.nodes.user_data import render
from tests.infrastructure.contexts import interface, policy_text
from tests.infrastructure.fake_node import MACS, FakeNode, fake_node

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl", "flock"))), reason="the nodes' scripts need bash, curl and flock"
)

JOIN = "/spiderpool-aws/prod/join"
USER_DATA = render(parse_policy(policy_text(interface(0), interface(1))).groups[0], "spiderpool-aws/not-ready", JOIN)
NETWORK = "etc/systemd/network"
READY = "run/spiderpool-aws/nics-ready"
NICS, KUBELET, JOINING = "10-nics.sh", "20-kubelet.sh", "30-join.sh"
IPV6 = "2a05:d018:0:1::10"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[FakeNode]:
    with fake_node(tmp_path, USER_DATA) as made:
        yield made


def set_up(node: FakeNode) -> None:
    """Run the NICs' script, and see it succeed."""
    done = node.run(NICS)
    assert done.returncode == 0, done.stderr
    assert (node.root / READY).exists()


def macs(node: FakeNode) -> dict[str, str]:
    """Return the MAC of each NIC, by the kernel's name."""
    return {nic.name: (nic / "address").read_text().strip() for nic in node.net.iterdir()}


@pytest.mark.parametrize(
    "names", [("ens5", "ens6"), ("ens6", "ens5"), ("enp39s0", "enp40s0"), ("eth0", "ens5"), ("ens6", "eth1")]
)
def test_whatever_the_kernel_calls_them_the_nics_get_the_policys_names(node: FakeNode, names: tuple[str, str]) -> None:
    node.nic(names[0], 0)
    node.nic(names[1], 1)
    (node.net / names[0] / "addresses").write_text("10.0.0.10/24\n")
    set_up(node)
    assert macs(node) == {"ens5": MACS[0], "ens6": MACS[1]}
    assert all((node.net / nic / "up").exists() for nic in ("ens5", "ens6"))
    assert f"PermanentMACAddress={MACS[0]}\n[Link]\nName=ens5\n" in node.read(f"{NETWORK}/05-spiderpool-aws-0.link")
    assert f"PermanentMACAddress={MACS[1]}\n[Link]\nName=ens6\n" in node.read(f"{NETWORK}/05-spiderpool-aws-1.link")


def test_a_name_that_is_another_nics_second_name_is_taken_from_it(node: FakeNode) -> None:
    node.nic("enp39s0", 0, addresses=("10.0.0.10/24",))
    node.nic("ens6", 1)
    (node.net / "ens6/altnames").write_text("ens5\n")
    set_up(node)
    assert macs(node) == {"ens5": MACS[0], "ens6": MACS[1]}


def test_a_nic_that_the_policy_does_not_name_makes_room(node: FakeNode) -> None:
    node.nic("ens5", 0, addresses=("10.0.0.10/24",))
    node.nic("ens7", 1)
    node.nic("ens6", 2)
    set_up(node)
    assert macs(node) == {"ens5": MACS[0], "ens6": MACS[1], "spare1": MACS[2]}


def test_the_first_nic_keeps_its_primary_addresses_only_and_the_second_none(node: FakeNode) -> None:
    node.nic("ens5", 0, ipv6s=IPV6, addresses=("10.0.0.10/24", "10.0.0.20/32", f"{IPV6}/128", "2a05:d018:0:1::20/128"))
    node.nic("ens6", 1, addresses=("10.0.1.7/24", "10.0.1.8/32"))
    for nic in ("ens5", "ens6"):
        (node.net / nic / "routes").write_text("-4\n-6\n")
    set_up(node)
    assert node.addresses("ens5") == ["10.0.0.10/24", f"{IPV6}/128"]
    assert node.addresses("ens6") == []
    assert [node.read(f"sys/class/net/{nic}/routes") for nic in ("ens5", "ens6")] == ["-4\n-6\n", ""]


def test_only_the_first_nic_asks_dhcp_and_the_second_is_up_without_a_route(node: FakeNode) -> None:
    node.nic("ens5", 0, addresses=("10.0.0.10/24",))
    node.nic("ens6", 1)
    set_up(node)
    first, second = (node.read(f"{NETWORK}/05-spiderpool-aws-{index}.network").split() for index in (0, 1))
    assert first == [
        *("[Match]", f"PermanentMACAddress={MACS[0]}"),
        *("[Link]", "MTUBytes=9001"),
        *("[Network]", "DHCP=ipv4", "IPv6AcceptRA=yes", "LLMNR=no"),
        *("[DHCPv4]", "UseHostname=no"),
        *("[IPv6AcceptRA]", "UseAutonomousPrefix=no", "DHCPv6Client=no"),
    ]
    quiet = [
        *("[Link]", "MTUBytes=9001", "RequiredForOnline=no"),
        *("[Network]", "DHCP=no", "IPv6AcceptRA=no", "LinkLocalAddressing=no", "LLMNR=no"),
    ]
    assert second == ["[Match]", f"PermanentMACAddress={MACS[1]}", *quiet]
    others = node.read(f"{NETWORK}/06-spiderpool-aws-others.network").split()
    assert others == ["[Match]", "Driver=ena", "ixgbevf", "vif", *quiet]


def test_the_host_waits_for_its_address_and_takes_those_of_pods_away_then(node: FakeNode) -> None:
    node.nic("ens5", 0)
    node.command("sleep", f"printf '10.0.0.10/24\\n10.0.0.20/32\\n' >{node.net}/ens5/addresses")
    set_up(node)
    assert node.calls.count("sleep 1") == 1
    assert node.addresses("ens5") == ["10.0.0.10/24"]


def test_a_nic_that_the_metadata_do_not_know_yet_is_waited_for(node: FakeNode) -> None:
    node.nic("ens5", 0, addresses=("10.0.0.10/24",))
    node.stale["network/interfaces/macs/"] = node.metadata["network/interfaces/macs/"]
    node.nic("enp40s0", 1)
    set_up(node)
    assert node.calls.count("sleep 1") == 1
    assert macs(node) == {"ens5": MACS[0], "ens6": MACS[1]}


def test_two_runs_wait_for_each_other(node: FakeNode) -> None:
    node.nic("ens5", 0, addresses=("10.0.0.10/24",))
    node.command("flock", "exit 1")
    assert node.run(NICS).returncode == 1
    assert node.calls == ["flock 9"]
    assert (node.root / "run/spiderpool-aws/nics.lock").exists()


def test_of_several_ipv6_addresses_the_host_gets_the_one_that_ec2_marks(node: FakeNode) -> None:
    node.nic("ens5", 0, ipv6s=f"2a05:d018:0:1::99\n{IPV6}", addresses=("10.0.0.10/24",))
    node.command("aws", f"echo {IPV6}")
    set_up(node)
    assert f"Address={IPV6}/128\n" in node.read(f"{NETWORK}/05-spiderpool-aws-0.network")
    (asked,) = [call for call in node.calls if call.startswith("aws")]
    assert "--network-interface-ids eni-0" in asked
    assert "IsPrimaryIpv6" in asked


def test_without_an_answer_from_ec2_the_host_gets_no_ipv6_address_and_says_so(node: FakeNode) -> None:
    node.nic("ens5", 0, ipv6s=f"2a05:d018:0:1::99\n{IPV6}", addresses=("10.0.0.10/24",))
    node.command("aws", "exit 255")
    done = node.run(NICS)
    assert done.returncode == 0, done.stderr
    assert "\nAddress=" not in node.read(f"{NETWORK}/05-spiderpool-aws-0.network")
    assert "EC2 did not say which IPv6 address is the host's own" in done.stderr


def test_a_second_run_asks_nobody_and_changes_nothing(node: FakeNode) -> None:
    node.nic("ens5", 0, ipv6s=f"2a05:d018:0:1::99\n{IPV6}", addresses=("10.0.0.10/24",))
    node.nic("ens6", 1)
    node.command("aws", f"echo {IPV6}")
    set_up(node)
    set_up(node)
    assert node.calls == ["systemctl is-active --quiet systemd-networkd"]


def test_the_units_that_put_addresses_back_are_masked_and_their_rules_removed(node: FakeNode) -> None:
    node.nic("ens5", 0, addresses=("10.0.0.10/24",))
    node.nic("ens6", 1)
    (node.root / "rules").write_text("-4 10001\n-4 10001\n-6 10001\n-4 1000\n")
    set_up(node)
    for unit in ("policy-routes@.service", "refresh-policy-routes@.service", "refresh-policy-routes@.timer"):
        assert (node.root / "etc/systemd/system" / unit).readlink() == Path("/dev/null")
        assert f"systemctl stop {unit.replace('@', '@*')}" in node.calls
    assert node.read("rules") == "-4 1000\n"


def test_networkd_forgets_the_old_configuration_before_it_is_restarted(node: FakeNode) -> None:
    node.nic("ens5", 0, addresses=("10.0.0.10/24",))
    node.nic("ens6", 1)
    set_up(node)
    order = [call for call in node.calls if call.startswith("networkctl") or "restart" in call]
    assert order == [
        "networkctl reload",
        "networkctl reconfigure ens5",
        "networkctl reconfigure ens6",
        "systemctl restart systemd-networkd",
    ]


def test_a_nic_that_is_attached_later_is_named_at_the_next_run(node: FakeNode) -> None:
    node.nic("ens5", 0, addresses=("10.0.0.10/24",))
    first = node.run(NICS)
    assert "there is no NIC at device index 1 (ens6) yet" in first.stderr
    assert (node.root / READY).exists()
    node.nic("enp40s0", 1)
    set_up(node)
    assert macs(node) == {"ens5": MACS[0], "ens6": MACS[1]}


def test_a_nic_of_another_network_card_is_not_taken_for_the_policys(node: FakeNode) -> None:
    node.nic("ens5", 0, addresses=("10.0.0.10/24",))
    node.nic("ens7", 1, card=1)
    done = node.run(NICS)
    assert "there is no NIC at device index 1 (ens6) yet" in done.stderr
    assert macs(node) == {"ens5": MACS[0], "ens7": MACS[2]}


def test_what_an_image_of_another_node_left_behind_goes(node: FakeNode) -> None:
    node.nic("ens5", 0, addresses=("10.0.0.10/24",))
    stale = node.root / NETWORK / "05-spiderpool-aws-7.link"
    stale.parent.mkdir(parents=True)
    stale.write_text("[Match]\nPermanentMACAddress=02:ff:ff:ff:ff:ff\n")
    set_up(node)
    assert not stale.exists()


def test_a_pods_ipvlan_with_the_nics_mac_is_left_alone(node: FakeNode) -> None:
    node.nic("ens5", 0, addresses=("10.0.0.10/24",))
    node.nic("ens6", 1)
    child = node.net / "ipvl0"
    child.mkdir()
    (child / "address").write_text(f"{MACS[1]}\n")
    set_up(node)
    assert set(macs(node)) == {"ens5", "ens6", "ipvl0"}


def test_a_policy_without_the_first_nic_leaves_it_its_name_and_its_network(tmp_path: Path) -> None:
    group = parse_policy(policy_text(interface(1))).groups[0]
    with fake_node(tmp_path, render(group, None, JOIN)) as node:
        node.nic("enp39s0", 0, addresses=("10.0.0.10/24",))
        node.nic("enp40s0", 1, addresses=("10.0.1.7/24",))
        set_up(node)
        assert macs(node) == {"enp39s0": MACS[0], "ens6": MACS[1]}
        assert node.addresses("enp39s0") == ["10.0.0.10/24"]
        assert "DHCP=ipv4\n" in node.read(f"{NETWORK}/05-spiderpool-aws-0.network")


def test_an_image_without_networkd_is_told_what_to_do_and_does_not_join(node: FakeNode) -> None:
    node.nic("ens5", 0)
    node.command("systemctl", "exit 3")
    done = node.run(NICS)
    assert done.returncode == 1
    assert "systemd-networkd does not run here: set up the NICs yourself" in done.stderr
    node.command("systemctl", "")
    node.command("aws", "echo true")
    assert "The NICs are not set up" in node.run(JOINING).stderr
    assert not any(call.startswith("aws") for call in node.calls)


def test_metadata_that_fail_once_do_not_keep_the_nics_from_being_set_up(node: FakeNode) -> None:
    node.nic("enp39s0", 0, addresses=("10.0.0.10/24",))
    node.nic("enp40s0", 1)
    asked = {"local-ipv4", "network/interfaces/macs/", f"network/interfaces/macs/{MACS[1]}/device-number"}
    node.failing |= {"api/token"} | asked
    set_up(node)
    assert node.failing == set()
    assert macs(node) == {"ens5": MACS[0], "ens6": MACS[1]}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "--register-with-taints={}"),
        ("KUBELET_EXTRA_ARGS=\n", "--register-with-taints={}"),
        ("KUBELET_EXTRA_ARGS=--v=2\n", "--v=2 --register-with-taints={}"),
        ('A=1\nKUBELET_EXTRA_ARGS="--v=2 --max-pods=40"\n', "--v=2 --max-pods=40 --register-with-taints={}"),
        ("KUBELET_EXTRA_ARGS='--register-with-taints=a=b:NoSchedule'\n", "--register-with-taints={},a=b:NoSchedule"),
    ],
)
def test_the_kubelet_gets_the_startup_taint_beside_what_it_had(node: FakeNode, before: str, after: str) -> None:
    for file in (node.root / "etc/sysconfig/kubelet", node.root / "etc/default/kubelet"):
        file.parent.mkdir(parents=True)
        file.write_text(before)
    for _ in range(2):
        assert node.run(KUBELET).returncode == 0
        for path in ("etc/sysconfig/kubelet", "etc/default/kubelet"):
            lines = node.read(path).splitlines()
            assert lines[-1] == f'KUBELET_EXTRA_ARGS="{after.format("spiderpool-aws/not-ready=:NoSchedule")}"'
            assert [line for line in lines if line.startswith("A=")] == ["A=1"] * before.startswith("A=")

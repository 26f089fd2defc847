"""The nodes' user data: its parts, its size, and what cloud-init and shellcheck say of them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from spiderpool_aws.domain.policy.model import parse_policy
from stacks.nodes.user_data import MOST_BYTES, render
from tests.infrastructure.contexts import interface, policy_text
from tests.infrastructure.fake_node import scripts

TAINT = "spiderpool-aws/not-ready"
JOIN = "/spiderpool-aws/prod/join"
GROUP = parse_policy(policy_text(interface(0), interface(1))).groups[0]
PARTS = scripts(render(GROUP, TAINT, JOIN))
SCHEMA = Path(
    os.environ.get(
        "CLOUD_INIT_SCHEMA", "/usr/lib/python3/dist-packages/cloudinit/config/schemas/schema-cloud-config-v1.json"
    )
)
SHELLCHECK = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


def files() -> dict[str, str]:
    """Return what the cloud-config writes."""
    config = yaml.safe_load(PARTS["cloud-config.yaml"])
    assert set(config) == {"write_files"}
    return {file["path"]: file["content"] for file in config["write_files"]}


def test_the_nics_come_before_the_kubelets_taint_and_that_before_joining() -> None:
    assert list(PARTS) == ["cloud-config.yaml", "10-nics.sh", "20-kubelet.sh", "30-join.sh"]
    assert list(PARTS) == sorted(PARTS, key=lambda name: (name.endswith(".sh"), name))


def test_the_parts_are_of_the_types_that_cloud_init_tells_them_by() -> None:
    text = render(GROUP, TAINT, JOIN)
    assert text.count("Content-Type: text/cloud-config;") == 1
    assert text.count("Content-Type: text/x-shellscript;") == 3
    assert PARTS["cloud-config.yaml"].startswith("#cloud-config\n")
    assert all(part.startswith("#!/bin/bash\n") for name, part in PARTS.items() if name.endswith(".sh"))


def test_the_policys_names_taint_and_parameter_are_filled_in_and_nothing_is_left_open() -> None:
    assert "NICS='0=ens5 1=ens6'\n" in PARTS["10-nics.sh"]
    assert f"TAINT='{TAINT}=:NoSchedule'\n" in PARTS["20-kubelet.sh"]
    assert f"PARAMETER='{JOIN}'\n" in PARTS["30-join.sh"]
    for name in ("@nics@", "@taint@", "@parameter@"):
        assert name not in render(GROUP, TAINT, JOIN)


def test_a_policy_without_a_startup_taint_leaves_the_kubelet_alone() -> None:
    parts = scripts(render(GROUP, None, JOIN))
    assert "20-kubelet.sh" not in parts
    assert "SPIDERPOOL_AWS_STARTUP_TAINT=''\n" in parts["30-join.sh"]


def test_the_largest_user_data_fits_into_what_ec2_takes() -> None:
    most = [interface(index, host=f"nic-number-{index:04}") for index in range(16)]
    group = parse_policy(policy_text(*most)).groups[0]
    taint = f"{'d' * 253}/{'t' * 63}"
    assert len(render(group, taint, "/" + "p" * 1010)) <= MOST_BYTES


def test_the_parts_carry_no_comment() -> None:
    assert [line for part in PARTS.values() for line in part.splitlines()[1:] if line.lstrip().startswith("#")] == []


def test_cloud_init_may_not_configure_all_nics_from_the_metadata() -> None:
    config = yaml.safe_load(files()["/etc/cloud/cloud.cfg.d/99-spiderpool-aws.cfg"])
    assert config == {"datasource": {"Ec2": {"apply_full_imds_network_config": False}}}


def test_a_restart_of_networkd_takes_no_route_of_a_pod() -> None:
    lines = files()["/etc/systemd/networkd.conf.d/50-spiderpool-aws.conf"].split()
    assert lines == ["[Network]", "ManageForeignRoutes=no", "ManageForeignRoutingPolicyRules=no"]


ONLINE = ("Wants=network-online.target", "After=network-online.target")
UNITS = {
    "spiderpool-aws-nics.service": (
        *("[Unit]", "Description=Name the NICs by device index and keep pod addresses off the host", *ONLINE),
        # udev wants it before cloud-init has written the script.
        "ConditionPathExists=/var/lib/cloud/instance/scripts/10-nics.sh",
        *("StartLimitIntervalSec=120", "StartLimitBurst=30"),
        *("[Service]", "Type=oneshot", "ExecStart=/var/lib/cloud/instance/scripts/10-nics.sh"),
        *("Restart=on-failure", "RestartSec=3", "StandardOutput=journal+console"),
    ),
    # No restart: the user's script runs once.
    "spiderpool-aws-join.service": (
        *("[Unit]", "Description=Join the cluster, when there is a script that does it", *ONLINE),
        *("[Service]", "Type=oneshot", "ExecStart=/var/lib/cloud/instance/scripts/30-join.sh"),
        "StandardOutput=journal+console",
    ),
    # By the end of the last look: a look that takes longer than a minute is not overtaken.
    "spiderpool-aws-join.timer": (
        *("[Unit]", "Description=Look for the script that joins the cluster"),
        *("[Timer]", "OnActiveSec=60", "OnUnitInactiveSec=60"),
        *("[Install]", "WantedBy=timers.target"),
    ),
}


@pytest.mark.parametrize("unit", UNITS)
def test_the_units_start_the_scripts_that_cloud_init_keeps(unit: str) -> None:
    assert tuple(files()[f"/etc/systemd/system/{unit}"].splitlines()) == UNITS[unit]


def test_a_nic_that_is_attached_later_starts_the_unit_that_names_it() -> None:
    # systemd reads SYSTEMD_WANTS of devices with its own tag only (systemd.device).
    assert files()["/etc/udev/rules.d/99-spiderpool-aws.rules"] == (
        'ACTION=="add", SUBSYSTEM=="net", ENV{ID_NET_DRIVER}=="ena|ixgbevf|vif", TAG+="systemd", '
        'ENV{SYSTEMD_WANTS}+="spiderpool-aws-nics.service"\n'
    )


def test_nothing_else_is_written() -> None:
    assert len(files()) == len(UNITS) + 3


@pytest.mark.skipif(
    not SCHEMA.exists(), reason="cloud-init's schema is not here: install cloud-init, or set CLOUD_INIT_SCHEMA"
)
def test_the_cloud_config_is_valid_by_cloud_inits_own_schema() -> None:
    schema: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    config = yaml.safe_load(PARTS["cloud-config.yaml"])
    jsonschema.validate(config, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"write_files": [{"content": "no path"}]}, schema)


@pytest.mark.skipif(SHELLCHECK is None, reason="shellcheck is not here: it comes with requirements.txt")
@pytest.mark.parametrize("name", [name for name in PARTS if name.endswith(".sh")])
def test_shellcheck_finds_nothing_in_the_scripts(name: str, tmp_path: Path) -> None:
    script = tmp_path / name
    script.write_text(PARTS[name], encoding="ascii")
    done = subprocess.run([str(SHELLCHECK), str(script)], capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stdout) == (0, "")

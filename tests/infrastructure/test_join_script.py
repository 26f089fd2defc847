"""The script of the nodes' user data that joins a node to its cluster: when, once, and what it says."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from spiderpool_aws.domain.policy.model import parse_policy
from stacks.nodes.user_data import render
from tests.infrastructure.contexts import interface, policy_text
from tests.infrastructure.fake_node import FakeNode, fake_node

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl"))), reason="the nodes' scripts need bash and curl"
)

JOIN = "/spiderpool-aws/prod/join"
READY = "run/spiderpool-aws/nics-ready"
JOINING = "30-join.sh"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[FakeNode]:
    group = parse_policy(policy_text(interface(0), interface(1))).groups[0]
    with fake_node(tmp_path, render(group, "spiderpool-aws/not-ready", JOIN)) as made:
        yield made


def ready(node: FakeNode) -> None:
    """Let the NICs be set up, and cloud-init have its folder."""
    for path in (READY, "var/lib/cloud/instance/scripts"):
        (node.root / path).parent.mkdir(parents=True)
    (node.root / READY).touch()


def test_a_node_whose_nics_are_not_set_up_tries_that_again_before_it_joins(node: FakeNode) -> None:
    done = node.run(JOINING)
    assert done.returncode == 0
    assert "The NICs are not set up" in done.stderr
    assert node.calls == [
        "systemctl start --no-block spiderpool-aws-nics",
        "systemctl enable --now --no-block spiderpool-aws-join.timer",
    ]


def test_the_users_script_runs_once_with_the_taint_and_leaves_no_copy(node: FakeNode) -> None:
    ready(node)
    node.command("aws", f"echo 'echo $SPIDERPOOL_AWS_STARTUP_TAINT >>{node.root}/joined'")
    done = node.run(JOINING)
    assert done.returncode == 0, done.stderr
    (asked,) = [call for call in node.calls if call.startswith("aws")]
    assert f"ssm get-parameter --region eu-west-1 --name {JOIN} --with-decryption" in asked
    assert node.run(JOINING).returncode == 0
    assert node.read("joined") == "spiderpool-aws/not-ready=:NoSchedule\n"
    assert not (node.root / "run/spiderpool-aws/join").exists()


def test_nobody_but_root_reads_the_users_script(node: FakeNode) -> None:
    ready(node)
    node.command("aws", f"""echo 'stat -c %a "$0" >{node.root}/mode'""")
    assert node.run(JOINING).returncode == 0
    assert node.read("mode") == "600\n"


def test_without_the_parameter_the_console_says_what_to_do_and_it_is_looked_for_again(node: FakeNode) -> None:
    ready(node)
    node.command("aws", "echo 'An error occurred (ParameterNotFound) when calling GetParameter' >&2; exit 254")
    done = node.run(JOINING)
    assert done.returncode == 0
    assert f"There is no SSM parameter {JOIN}." in done.stderr
    assert f"aws ssm put-parameter --region eu-west-1 --type SecureString --name {JOIN}" in done.stderr
    assert "systemctl enable --now --no-block spiderpool-aws-join.timer" in node.calls
    node.command("aws", "echo true")
    assert "has ended well" in node.run(JOINING).stderr
    assert "systemctl disable --now --no-block spiderpool-aws-join.timer" in node.calls


def test_metadata_that_fail_once_do_not_keep_a_node_from_joining(node: FakeNode) -> None:
    ready(node)
    node.command("aws", "echo true")
    node.failing |= {"api/token", "placement/region"}
    assert "has ended well" in node.run(JOINING).stderr
    assert node.failing == set()


def test_a_node_that_does_not_learn_its_region_looks_again(node: FakeNode) -> None:
    ready(node)
    del node.metadata["placement/region"]
    done = node.run(JOINING)
    assert done.returncode == 0
    assert "The instance metadata do not answer." in done.stderr
    assert node.calls == ["systemctl enable --now --no-block spiderpool-aws-join.timer"]


def test_a_parameter_that_may_not_be_read_is_told_with_aws_own_words(node: FakeNode) -> None:
    ready(node)
    node.command("aws", "echo 'An error occurred (AccessDeniedException): kms:Decrypt' >&2; exit 254")
    assert "could not be read: An error occurred (AccessDeniedException): kms:Decrypt" in node.run(JOINING).stderr


def test_a_script_that_fails_is_not_run_again_by_itself(node: FakeNode) -> None:
    ready(node)
    node.command("aws", f"echo 'echo once >>{node.root}/joined; exit 7'")
    done = node.run(JOINING)
    assert done.returncode == 7
    assert "failed with exit code 7" in done.stderr
    assert node.run(JOINING).returncode == 0
    assert node.read("joined") == "once\n"

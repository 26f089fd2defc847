"""The local stack in the environment of somebody who works with AWS: nothing of it reaches the local calls."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

NOWHERE = "/nonexistent/of-the-user"
HOSTILE = {
    "AWS_PROFILE": "nobody",
    "AWS_DEFAULT_PROFILE": "nobody",
    "AWS_CONFIG_FILE": NOWHERE,
    "AWS_SHARED_CREDENTIALS_FILE": NOWHERE,
    "AWS_CA_BUNDLE": NOWHERE,
    "AWS_DATA_PATH": NOWHERE,
    "AWS_REGION": "nowhere-1",
    "AWS_DEFAULT_REGION": "nowhere-1",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_RETRY_MODE": "bogus",
    "AWS_DEFAULTS_MODE": "bogus",
    "AWS_MAX_ATTEMPTS": "many",
    "AWS_METADATA_SERVICE_TIMEOUT": "soon",
}
# In a process of its own: botocore and moto keep what they read at their first use.
SCENE = """
from spiderpool_aws.local.ec2.fixtures import SubnetPlan, create_network, launch
from spiderpool_aws.local.kubelet import Kubelets
from spiderpool_aws.local.stack import LocalStack

POLICY = '''
version: 1
cluster: prod
groups:
  - name: workers
    interfaces: [{deviceIndex: 0, host: ens5, multus: kube-system/ipvlan-ens5, ipv4: {addresses: 3}}]
'''
with LocalStack(POLICY) as stack:
    Kubelets(stack.model, stack.cluster, stack.agent)
    network = create_network(stack.model, {"a": SubnetPlan("10.0.1.0/24")}, ipv6=False)
    nic = {"SubnetId": network.subnets["a"], "Groups": [network.group_id]}
    launch(stack.model, [nic], tags={"spiderpool-aws/cluster": "prod"})
    assert stack.bus.settle()
    stack.put_policy(POLICY)
    print(len(stack.cluster.objects("spiderippools")), stack.fuse(), stack.failed_invocations)
"""


@pytest.fixture
def endpoint() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


def test_a_users_profile_endpoints_and_odd_settings_neither_break_the_stack_nor_get_its_calls(
    endpoint: socket.socket,
) -> None:
    url = f"http://127.0.0.1:{endpoint.getsockname()[1]}"
    theirs = {f"AWS_ENDPOINT_URL{of}": url for of in ("", "_EC2", "_SSM", "_SQS", "_SECRETS_MANAGER")}
    run = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", SCENE], env=os.environ | HOSTILE | theirs, capture_output=True, text=True, check=False
    )
    assert (run.stdout.strip(), run.returncode) == ("1 {} []", 0), run.stderr
    with pytest.raises(BlockingIOError):
        endpoint.accept()

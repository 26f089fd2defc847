"""AWS and a cluster as servers on loopback, for functions in other processes."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import yaml

from spiderpool_aws.deployment import BATCH_SIZE, Names
from spiderpool_aws.domain.cluster.pool import Pool, SpiderIPPool
from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.cluster import ClusterDouble, SpiderpoolAgent, serve_cluster
from spiderpool_aws.local.cluster.server import ClusterServer
from spiderpool_aws.local.ec2 import Ec2Model
from spiderpool_aws.local.ec2.fixtures import Network, create_network, launch
from spiderpool_aws.local.ec2.moto_server import serve_aws
from spiderpool_aws.local.kubelet import Kubelets
from tests.integration.scene import SUBNETS, TAGS, policy_text

NAMES = Names("prod")
SETTLED_SECONDS = 120
NIC = {"Ipv6AddressCount": 1, "PrimaryIpv6": True, "DeleteOnTermination": True}


@dataclass
class RuntimeWorld:
    """`variables` is what CDK puts into the functions' environment; `events` is what EC2 told."""

    model: Ec2Model
    clock: ManualClock
    cluster: ClusterDouble
    network: Network
    sqs: Any
    variables: dict[str, str]
    events: list[dict[str, Any]]

    def launch(self) -> str:
        """Launch a node with two NICs that hold nothing, and let it join the cluster."""
        nics = [{"SubnetId": self.network.subnets[name], **NIC} for name in ("nodes", "pods")]
        instance_id = launch(self.model, nics, tags=TAGS)
        self.clock.advance(SETTLED_SECONDS)
        return instance_id

    def told(self, instance_id: str, state: str) -> dict[str, Any]:
        """Return EC2's event of an instance's state."""
        for event in self.events:
            if event["detail"].get("instance-id") == instance_id and event["detail"].get("state") == state:
                return event
        raise AssertionError(f"EC2 told nothing of {instance_id} {state}")

    def batch(self) -> dict[str, Any]:
        """Take a batch off the FIFO queue, as the event source mapping does."""
        url = self.variables["SPIDERPOOL_AWS_QUEUE_URL"]
        answer = self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=BATCH_SIZE, MessageSystemAttributeNames=["All"], WaitTimeSeconds=0
        )
        return {"Records": [_record(message) for message in answer.get("Messages", ())]}

    def pools(self) -> list[Pool]:
        """Return the pools in the cluster."""
        return [SpiderIPPool.model_validate(pool).to_pool() for pool in self.cluster.objects("spiderippools")]

    def assigned(self, instance_id: str) -> set[str]:
        """Return the secondary addresses that EC2 has on an instance's NICs."""
        enis = (e for e in self.model.enis.values() if e.attachment and e.attachment.instance_id == instance_id)
        return {address for eni in enis for address in eni.secondary_ips}


@contextmanager
def world() -> Iterator[RuntimeWorld]:
    """Return servers with a network and no node; at the end they are stopped."""
    # The functions live in real time, so EC2 and the cluster must not be far from it.
    clock = ManualClock(datetime.now(UTC) - timedelta(seconds=SETTLED_SECONDS))
    model, cluster = Ec2Model(clock), ClusterDouble(clock)
    events: list[dict[str, Any]] = []
    model.subscribe(events.append)
    Kubelets(model, cluster, SpiderpoolAgent(cluster))
    server = serve_aws(0, model)
    try:
        with serve_cluster(cluster) as api_server:
            session = boto3.Session("operator", "operator", region_name=model.region)
            variables = _deploy(session, server.url, api_server)
            sqs = session.client("sqs", endpoint_url=server.url)
            yield RuntimeWorld(model, clock, cluster, create_network(model, SUBNETS), sqs, variables, events)
    finally:
        server.stop()


def _deploy(session: boto3.Session, url: str, api_server: ClusterServer) -> dict[str, str]:
    """Make what the reconciler's stack makes, and return the functions' environment."""
    secrets: Any = session.client("secretsmanager", endpoint_url=url)
    ssm = session.client("ssm", endpoint_url=url)
    sqs: Any = session.client("sqs", endpoint_url=url)
    ssm.put_parameter(Name=NAMES.policy_parameter, Value=policy_text(), Type="String", Tier="Advanced")
    secrets.create_secret(Name=NAMES.kubeconfig_secret, SecretString=_kubeconfig(api_server))
    fifo = {"FifoQueue": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    queues = {"requests.fifo": fifo, "requests-dead.fifo": fifo, "lost-events": {}}
    urls = {n: sqs.create_queue(QueueName=NAMES.of(n), Attributes=a)["QueueUrl"] for n, a in queues.items()}
    return {
        "AWS_ENDPOINT_URL": url,
        "SPIDERPOOL_AWS_QUEUE_URL": urls["requests.fifo"],
        "SPIDERPOOL_AWS_DEAD_LETTER_URL": urls["requests-dead.fifo"],
        "SPIDERPOOL_AWS_LOST_EVENTS_URL": urls["lost-events"],
        "SPIDERPOOL_AWS_POLICY_PARAMETER": NAMES.policy_parameter,
        "SPIDERPOOL_AWS_FUSE_PARAMETER": NAMES.fuse_parameter,
        "SPIDERPOOL_AWS_KUBECONFIG_SECRET": NAMES.kubeconfig_secret,
    }


def _kubeconfig(server: ClusterServer) -> str:
    cluster = {"server": server.url, "certificate-authority-data": base64.b64encode(server.ca_pem.encode()).decode()}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": server.token}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        }
    )


def _record(message: dict[str, Any]) -> dict[str, Any]:
    """Return a received message as Lambda hands it on (developer guide, "Using Lambda with Amazon SQS")."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:requests.fifo",
        "awsRegion": "eu-west-1",
    }


def subjects(batch: dict[str, Any]) -> list[str]:
    """Return whom the messages of a batch are about."""
    return [json.loads(record["body"])["subject"] for record in batch["Records"]]

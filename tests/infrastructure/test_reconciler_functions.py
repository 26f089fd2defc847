"""The functions run as `deployment.py` says, with all that their settings need, each as its own role."""

from typing import TypeVar

import boto3
import pytest

from spiderpool_aws.adapters.clock import SystemClock
from spiderpool_aws.adapters.reporting import PowertoolsReporter
from spiderpool_aws.bootstrap import Application
from spiderpool_aws.deployment import (
    BATCH_SIZE,
    EC2_BUCKETS,
    FUNCTIONS,
    MAX_CONCURRENCY,
    RECONCILE_NODES,
    RESYNC,
    ROUTE_EVENT,
    BucketRate,
    Function,
    Names,
)
from spiderpool_aws.settings import PREFIX, FunctionSettings, PacingSettings, load
from tests.infrastructure.contexts import alone, login, modes
from tests.infrastructure.templates import Properties, Template, of_type, plain, reconciler

NAMES = Names("demo")
LOGINS = ("kubeconfig", "web-identity", "iam-authenticator")
PARTS = {ROUTE_EVENT: "router", RECONCILE_NODES: "worker", RESYNC: "resync"}
"""What of the application each handler uses."""

S = TypeVar("S", bound=FunctionSettings)

each_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)


def made(function: Function, template: Template) -> tuple[str, Properties]:
    """Return a function's logical id and properties."""
    [found] = [
        (logical, properties)
        for logical, properties in of_type(template, "AWS::Lambda::Function").items()
        if properties["FunctionName"] == NAMES.of(function.name)
    ]
    return found


@each_function
def test_a_function_has_the_figures_of_the_deployment(function: Function) -> None:
    _, properties = made(function, reconciler())
    assert properties["Handler"] == function.handler
    assert properties["Timeout"] == function.timeout.total_seconds()
    assert properties["MemorySize"] == function.memory_mb
    assert (properties["Runtime"], properties["Architectures"]) == ("python3.13", ["arm64"])
    assert len(properties["Layers"]) == 2


@pytest.mark.parametrize("way", LOGINS)
@each_function
def test_a_functions_environment_is_what_its_code_reads_and_nothing_else(
    function: Function, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, properties = made(function, reconciler(**alone(**login(way))))
    variables = properties["Environment"]["Variables"]
    for name, value in variables.items():
        # A reference stands for what CloudFormation fills in: some text.
        monkeypatch.setenv(name, value if isinstance(value, str) else "made-by-cloudformation")
    read: set[str] = set()

    def recording(model: type[S]) -> S:
        read.update(f"{PREFIX}{field.upper()}" for field in model.model_fields)
        return load(model)

    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-west-1")
    app = Application(session, recording, PowertoolsReporter(function.name), SystemClock())
    getattr(app, PARTS[function])
    assert set(variables) == read


@each_function
def test_the_addresses_of_queues_and_parameters_are_those_of_the_stack(function: Function) -> None:
    template = reconciler()
    queues = {name: queue["QueueName"] for name, queue in of_type(template, "AWS::SQS::Queue").items()}
    expected = {
        "QUEUE_URL": "spiderpool-aws-demo-requests.fifo",
        "LOST_EVENTS_URL": "spiderpool-aws-demo-lost-events",
        "DEAD_LETTER_URL": "spiderpool-aws-demo-requests-dead.fifo",
        "POLICY_PARAMETER": "/spiderpool-aws/demo/policy",
        "FUSE_PARAMETER": "/spiderpool-aws/demo/fuse",
    }
    _, properties = made(function, template)
    found = {
        name.removeprefix(PREFIX): value if isinstance(value, str) else queues.get(value["Ref"])
        for name, value in properties["Environment"]["Variables"].items()
    }
    assert {name: value for name, value in found.items() if name in expected} == {
        name: value for name, value in expected.items() if name in found
    }


@each_function
def test_a_function_has_a_role_of_its_own_that_lambda_alone_may_take(function: Function) -> None:
    template = reconciler()
    roles = of_type(template, "AWS::IAM::Role")
    role = roles[made(function, template)[1]["Role"]["Fn::GetAtt"][0]]
    assert plain(role["RoleName"]) == f"spiderpool-aws-demo-eu-west-1-{PARTS[function]}"
    assert "ManagedPolicyArns" not in role
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


@each_function
def test_a_functions_log_ends_with_the_days_of_the_context_and_goes_with_the_stack(function: Function) -> None:
    template = reconciler(**alone(logRetentionDays=7))
    group = made(function, template)[1]["LoggingConfig"]["LogGroup"]["Ref"]
    resource = template["Resources"][group]
    assert resource["Properties"] == {"LogGroupName": f"/aws/lambda/{NAMES.of(function.name)}", "RetentionInDays": 7}
    assert resource["DeletionPolicy"] == "Delete"


@each_function
def test_only_who_talks_to_the_cluster_is_in_the_vpc_and_there_in_both_families(function: Function) -> None:
    _, properties = made(function, reconciler(**alone()))
    if not function.in_vpc:
        assert "VpcConfig" not in properties
        return
    placed = properties["VpcConfig"]
    assert placed["SubnetIds"] == ["subnet-0a", "subnet-0b"]
    assert placed["Ipv6AllowedForDualStack"] is True
    assert len(placed["SecurityGroupIds"]) == 1
    _, without = made(function, reconciler(**alone(ipv6=False)))
    assert "Ipv6AllowedForDualStack" not in without["VpcConfig"]


def test_beside_our_own_network_the_functions_are_in_the_nodes_private_subnets() -> None:
    _, properties = made(RECONCILE_NODES, reconciler(**modes()["full"]))
    subnets = properties["VpcConfig"]["SubnetIds"]
    assert len(subnets) == 2
    assert all("spiderpool-aws-demo-network:" in subnet["Fn::ImportValue"] for subnet in subnets)


def test_the_worker_takes_batches_and_answers_with_what_stays() -> None:
    template = reconciler()
    [mapping] = of_type(template, "AWS::Lambda::EventSourceMapping").values()
    queues = of_type(template, "AWS::SQS::Queue")
    assert queues[mapping["EventSourceArn"]["Fn::GetAtt"][0]]["QueueName"] == "spiderpool-aws-demo-requests.fifo"
    assert mapping["FunctionName"] == {"Ref": made(RECONCILE_NODES, template)[0]}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BatchSize"] == BATCH_SIZE
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": MAX_CONCURRENCY}


def workers_of(template: Template) -> tuple[int, int, int | None]:
    """Return the most workers at a time, by how many EC2's request rates are divided, and what is reserved."""
    [mapping] = of_type(template, "AWS::Lambda::EventSourceMapping").values()
    _, properties = made(RECONCILE_NODES, template)
    shared_by = properties["Environment"]["Variables"][f"{PREFIX}WORKERS"]
    return (
        mapping["ScalingConfig"]["MaximumConcurrency"],
        int(shared_by),
        properties.get("ReservedConcurrentExecutions"),
    )


def test_the_number_of_workers_is_one_for_the_queue_for_the_request_rates_and_for_what_is_reserved() -> None:
    assert workers_of(reconciler()) == (MAX_CONCURRENCY, MAX_CONCURRENCY, None)
    few = reconciler(**alone(workers=5, reserveConcurrency=True))
    assert workers_of(few) == (5, 5, 5)
    for function in (ROUTE_EVENT, RESYNC):
        assert "ReservedConcurrentExecutions" not in made(function, few)[1]


def test_the_worker_paces_itself_by_the_rates_of_the_context(monkeypatch: pytest.MonkeyPatch) -> None:
    template = reconciler(**alone(ec2Buckets={"AttachNetworkInterface": [200, 20]}))
    variable = f"{PREFIX}EC2_BUCKETS"
    monkeypatch.setenv(variable, made(RECONCILE_NODES, template)[1]["Environment"]["Variables"][variable])
    given = load(PacingSettings).ec2_buckets
    assert given == {**EC2_BUCKETS, "AttachNetworkInterface": BucketRate(200, 20)}


def test_what_lambda_checks_at_once_waits_until_the_role_has_its_statements() -> None:
    template = reconciler()
    for resource in template["Resources"].values():
        if resource["Type"] in ("AWS::Lambda::EventSourceMapping", "AWS::Lambda::EventInvokeConfig"):
            function = template["Resources"][resource["Properties"]["FunctionName"]["Ref"]]
            role = function["Properties"]["Role"]["Fn::GetAtt"][0]
            statements = {
                name
                for name, policy in of_type(template, "AWS::IAM::Policy").items()
                if {"Ref": role} in policy["Roles"]
            }
            assert {role} | statements <= set(resource["DependsOn"])


def test_an_event_whose_function_fails_is_kept() -> None:
    template = reconciler()
    queues = {queue["QueueName"]: name for name, queue in of_type(template, "AWS::SQS::Queue").items()}
    lost = {"Fn::GetAtt": [queues["spiderpool-aws-demo-lost-events"], "Arn"]}
    functions = of_type(template, "AWS::Lambda::Function")
    kept = {
        functions[config["FunctionName"]["Ref"]]["FunctionName"]: config
        for config in of_type(template, "AWS::Lambda::EventInvokeConfig").values()
    }
    # A resync only until the next pass over everything.
    assert {name: config["MaximumEventAgeInSeconds"] for name, config in kept.items()} == {
        NAMES.of("route_event"): 3600,
        NAMES.of("resync"): 300,
    }
    for config in kept.values():
        assert config["DestinationConfig"] == {"OnFailure": {"Destination": lost}}
        assert (config["MaximumRetryAttempts"], config["Qualifier"]) == (2, "$LATEST")

"""The functions' roles as the ReconcilerStack has them: the template that is deployed, with its references resolved."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from spiderpool_aws.deployment import DEAD_REQUESTS, FUNCTIONS, LOST_EVENTS, REQUESTS, Names
from spiderpool_aws.local.iam import Deployed, Statement, roles_of
from spiderpool_aws.local.stack import FUSE_PARAMETER, POLICY_PARAMETER
from tests.infrastructure.contexts import NO_IPV6, Json, alone, login
from tests.infrastructure.templates import Template, of_type, templates

NAMES = Names("prod")
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:spiderpool-aws/prod/kubeconfig-AbCdEf"
AUDIENCE = "prod.example.org"
VARIANTS = ("tagged", "alone", "web-identity", "iam-authenticator")
# name in the template -> what the local stack calls it
QUEUES = {NAMES.of(name): name for name in (REQUESTS, DEAD_REQUESTS, LOST_EVENTS)}
PARAMETERS = {NAMES.policy_parameter: POLICY_PARAMETER, NAMES.fuse_parameter: FUSE_PARAMETER}

Roles = dict[str, tuple[Statement, ...]]


def _context(variant: str) -> Json:
    """Return what is special about a variant."""
    contexts: Mapping[str, Callable[[], Json]] = {
        "tagged": lambda: {"kubeconfigSecretArn": SECRET},
        "alone": lambda: alone(kubeconfigSecretArn=SECRET),
        "web-identity": lambda: login("web-identity") | {"clusterAudience": AUDIENCE},
        "iam-authenticator": lambda: login("iam-authenticator"),
    }
    return contexts[variant]()


@cache
def stacks(variant: str) -> Mapping[str, Template]:
    """Return the templates of a variant, by the stack's name; skips where CDK cannot run."""
    return templates(policy=NO_IPV6.replace("cluster: demo", f"cluster: {NAMES.cluster}"), **_context(variant))


def role_ids(template: Template) -> dict[str, str]:
    """Return function -> the logical id of the role that it runs as."""
    by_name = {made["FunctionName"]: made for made in of_type(template, "AWS::Lambda::Function").values()}
    return {f.name: by_name[NAMES.of(f.name)]["Role"]["Fn::GetAtt"][0] for f in FUNCTIONS}


def roles(variant: str, vpc_id: str) -> Roles:
    """Return function -> the statements of its role, in a VPC of the local account."""
    return _roles(variant, vpc_id, PARAMETERS, QUEUES)


def deployed_roles(variant: str, vpc_id: str) -> Roles:
    """Return the same with the names that are deployed, and not with those of the local stack."""
    return _roles(variant, vpc_id, {}, {name: name for name in QUEUES})


def _roles(variant: str, vpc_id: str, parameters: Mapping[str, str], queues: Mapping[str, str]) -> Roles:
    made = stacks(variant)
    template = _with_names(made["reconciler"], vpc_id, parameters)
    prefix = "arn:aws:sqs:eu-west-1:123456789012:"
    arns = {
        (logical_id, "Arn"): prefix + queues[queue["QueueName"]]
        for logical_id, queue in of_type(template, "AWS::SQS::Queue").items()
    }
    deployed = Deployed(attributes=arns, imports=_exported_vpc(made["network"], vpc_id) if "network" in made else {})
    ids = role_ids(template)
    by_role = roles_of(template, deployed, ids.values())
    return {function: by_role[role] for function, role in ids.items()}


def _with_names(template: Template, vpc_id: str, parameters: Mapping[str, str]) -> Template:
    """Return the template with other parameters, and with the given VPC for the one that the context names."""
    text = json.dumps(template).replace(alone()["vpcId"], vpc_id)
    for ours, local in parameters.items():
        text = text.replace(f'parameter{ours}"', f'parameter{local}"')
    changed: Template = json.loads(text)
    return changed


def _exported_vpc(network: Template, vpc_id: str) -> dict[str, str]:
    (vpc,) = of_type(network, "AWS::EC2::VPC")
    of_vpc = [one for one in network["Outputs"].values() if one["Value"] == {"Ref": vpc} and "Export" in one]
    return {one["Export"]["Name"]: vpc_id for one in of_vpc}


def without_action(statements: Sequence[Statement], sid: str, action: str) -> tuple[Statement, ...]:
    """Return the statements with one action taken out of one of them; one that has none left allows nothing."""
    return _changed(statements, sid, lambda one: replace(one, actions=tuple(a for a in one.actions if a != action)))


def without_condition(statements: Sequence[Statement], sid: str, operator: str, key: str) -> tuple[Statement, ...]:
    """Return the statements with one condition taken out of one of them."""

    def change(one: Statement) -> Statement:
        return replace(one, conditions=tuple(c for c in one.conditions if (c.operator, c.key) != (operator, key)))

    return _changed(statements, sid, change)


def _changed(
    statements: Sequence[Statement], sid: str, change: Callable[[Statement], Statement]
) -> tuple[Statement, ...]:
    assert sid in {statement.sid for statement in statements}
    return tuple(change(one) if one.sid == sid else one for one in statements)

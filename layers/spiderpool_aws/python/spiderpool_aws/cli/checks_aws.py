"""The doctor's checks of AWS: identity, clock, policy, functions, rules, trail, federation, queues, permissions."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from spiderpool_aws.cli.errors import Mistake
from spiderpool_aws.cli.findings import Check, Result, ok, untried, wrong
from spiderpool_aws.deployment import FUNCTIONS, RECONCILE_NODES, RESYNC
from spiderpool_aws.domain.errors import Code, Refused
from spiderpool_aws.domain.instance import CLUSTER_TAG
from spiderpool_aws.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from spiderpool_aws.cli.world import World

MOST_SKEW = timedelta(seconds=60)
"""AWS refuses a signature that is five minutes off, and a token lives for five."""
DEPLOY = "deploy it: cdk deploy (docs/deployment.md)"


def identity(world: World) -> Iterator[Result]:
    """Say as whom the person asks, and how far this machine's clock is off."""
    who = world.account.identity()
    yield ok("identity", f"you are {who.arn} in account {who.account}")
    if who.time is None:
        yield untried("clock", "AWS's answer had no date", "compare `date -u` with a clock")
        return
    skew = abs(world.core.clock.now() - who.time)
    said = f"this machine's clock and AWS's differ by {int(skew.total_seconds())} s"
    yield ok("clock", said) if skew <= MOST_SKEW else wrong("clock", said, "set the clock (NTP)")


def policy(world: World) -> Iterator[Result]:
    """Say whether the newest policy is in force, and what it lets the functions do."""
    try:
        control, in_force = world.control()
    except Mistake as mistake:
        yield wrong("policy", str(mistake), "correct the parameter: spiderpool-aws policy check FILE says how")
        return
    if control.problem:
        yield wrong("policy", control.problem, "correct the parameter: spiderpool-aws policy check FILE says how")
    elif in_force.mode != "apply":
        yield wrong("policy", f"its mode is {in_force.mode}: the functions change nothing", "set mode: apply")
    else:
        yield ok("policy", f"{world.policy_source} is valid and its mode is apply")
    if control.fuse.held:
        remedy = "spiderpool-aws resync --dry-run shows what would go, and resync --confirm DIGEST lets it"
        yield wrong("fuse", control.fuse.held, remedy)
    elif control.removals_held:
        remedy = "wait for the next resync (five minutes), or run spiderpool-aws resync"
        yield wrong("fuse", f"removals are held: {control.removals_held}", remedy)
    else:
        yield ok("fuse", f"it is {control.fuse.state}")


def functions(world: World) -> Iterator[Result]:
    """Say whether the functions are deployed and ready, and whether the worker reads its queue."""
    missing = False
    for function in FUNCTIONS:
        facts, name = world.account.function(function.name), world.names.of(function.name)
        missing |= facts is None
        if facts is None:
            yield wrong("functions", f"{name} is not deployed", DEPLOY)
        elif facts.state not in ("Active", "Inactive") or facts.update == "Failed":
            said = f"{name} is {facts.state}, its last update {facts.update}"
            yield wrong("functions", said, "look at it in the Lambda console, then deploy again")
        else:
            yield ok("functions", f"{name} is {facts.state.lower()}")
    if missing:
        return
    if world.account.queue_is_read():
        yield ok("functions", "the worker takes requests from its queue")
    else:
        yield wrong("functions", "the worker takes nothing from its queue: the mapping is not enabled", "enable it")


def rules(world: World) -> Iterator[Result]:
    """Say of each row of the table of routes whether its rule is there and enabled."""
    for route in ROUTES:
        if not route.source:
            continue
        state, name = world.account.rule_state(route.name), world.names.of(route.name)
        if state.startswith("ENABLED"):
            yield ok("rules", f"{name} is enabled")
        elif state:
            yield wrong("rules", f"{name} is {state.lower()}", f"aws events enable-rule --name {name}")
        else:
            yield wrong("rules", f"there is no rule {name}", DEPLOY)


def trail(world: World) -> Iterator[Result]:
    """Say whether a trail makes events of EC2's calls."""
    trails = world.account.trails()
    good = [one.name for one in trails if one.is_logging and one.has_writes]
    if good:
        yield ok("trail", f"{good[0]} is logging management events")
        return
    remedy = "deploy with -c trail=true, or have a trail log the management events that write"
    if not trails:
        yield wrong("trail", "there is no trail: EventBridge hears of no change of a NIC", remedy)
        return
    said = ", ".join(f"{one.name} {'records no writes' if one.is_logging else 'is not logging'}" for one in trails)
    yield wrong("trail", f"EventBridge hears of no change of a NIC: {said}", remedy)


def federation(world: World) -> Iterator[Result]:
    """Say whether AWS signs the tokens with which the functions log in, where they do so."""
    facts = world.account.function(RECONCILE_NODES.name)
    if facts is not None and facts.place.login != "web-identity":
        yield ok("federation", f"not needed: the functions log in by {facts.place.login or 'kubeconfig'}")
    elif world.account.federation_is_on():
        yield ok("federation", "outbound identity federation is on")
    else:
        yield wrong(
            "federation",
            "outbound identity federation is off: no token is signed for the login web-identity",
            "aws iam enable-outbound-web-identity-federation",
        )


def endpoint(world: World) -> Iterator[Result]:
    """Have the deployed resync make a dry run: its permissions to read, its login and its way to the API server."""
    if world.account.function(RESYNC.name) is None:
        yield untried("endpoint", "the functions are not deployed: their way to the API server is not known", DEPLOY)
        return
    answer = world.deployed.resync({"dryRun": True})
    if answer.get("done"):
        said = f"the deployed resync reads EC2 and the API server: {answer['instances']} instances"
        yield ok("endpoint", f"{said}, {answer['differing']} differ")
    else:
        yield wrong("endpoint", f"the deployed resync: {answer.get('reason')}", "the message says what to correct")


def queues(world: World) -> Iterator[Result]:
    """Say whether something waits for a person."""
    for queue in world.deployed.queues():
        if queue.messages is None:
            yield wrong("queues", f"there is no queue {queue.what}", DEPLOY)
        elif queue.dead and queue.messages:
            said = f"{queue.messages} messages in {queue.what}"
            yield wrong("queues", said, "read the reason beside each, mend it, and redrive them (docs/operations.md)")
        else:
            yield ok("queues", f"{queue.messages} messages in {queue.what}")


def permissions(world: World) -> Iterator[Result]:
    """Try what `apply` needs of the person's own role, as far as EC2 has dry runs; say what nobody can try."""
    listing = world.core.systems.ec2.list_instances(world.names.cluster)
    enis = [(instance, eni) for instance in listing.instances for eni in instance.enis]
    if not enis:
        yield untried("permissions", "there is no NIC of the cluster to try them on", "repeat this when a node runs")
        return
    instance, eni = enis[0]
    tags = [{"Key": CLUSTER_TAG, "Value": world.names.cluster}]
    tagged = [{"ResourceType": "network-interface", "Tags": tags}]
    attach = {"NetworkInterfaceId": eni.eni_id, "InstanceId": instance.instance_id, "DeviceIndex": 15}
    keep = {"AttachmentId": eni.attachment_id, "DeleteOnTermination": True}
    tries: dict[str, Mapping[str, object]] = {
        "create_network_interface": {"SubnetId": eni.subnet_id, "TagSpecifications": tagged},
        "attach_network_interface": attach,
        "modify_network_interface_attribute": {"NetworkInterfaceId": eni.eni_id, "Attachment": keep},
        "delete_network_interface": {"NetworkInterfaceId": eni.eni_id},
        "create_tags": {"Resources": [eni.eni_id], "Tags": tags},
    }
    for operation, params in tries.items():
        yield _may(world, operation, params)
    yield untried(
        "permissions",
        "EC2 has no dry run of AssignPrivateIpAddresses, AssignIpv6Addresses and their Unassign: whether your own role "
        "may make these calls is not known",
        "nothing, unless you want to run apply: it says what is not permitted",
    )


def _may(world: World, operation: str, params: Mapping[str, object]) -> Result:
    action = "ec2:" + "".join(part.title() for part in operation.split("_"))
    try:
        world.account.try_write(operation, params)
    except Refused as refused:
        if refused.code is Code.FORBIDDEN:
            said = f"your role may not {action}; the functions have roles of their own"
            return untried("permissions", said, f"nothing, unless you want to run apply: then have {action} allowed")
        return untried("permissions", f"{action} could not be tried: {refused.reason}", "look at the message")
    return ok("permissions", f"you may {action}")


CHECKS = (
    Check("identity", identity),
    Check("policy", policy),
    Check("functions", functions),
    Check("rules", rules),
    Check("trail", trail),
    Check("federation", federation),
    Check("endpoint", endpoint),
    Check("queues", queues),
    Check("permissions", permissions),
)

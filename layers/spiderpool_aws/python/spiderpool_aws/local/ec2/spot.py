"""EC2 takes a Spot instance back: the warning, and two minutes later the end.

Source: Amazon EC2 user guide, "Spot Instance interruption notices" (the event, its two minutes, the form of its ARN);
API reference, StateReason (the codes). EC2 does it by itself: no TerminateInstances or StopInstances is called.
"""

from typing import Literal

from spiderpool_aws.local.ec2.lifecycle import stop, terminate
from spiderpool_aws.local.ec2.model import Ec2Model

WARNING_SECONDS = 120.0


def interrupt_spot(model: Ec2Model, instance_id: str, action: Literal["terminate", "stop"] = "terminate") -> None:
    """Warn that an instance will be interrupted, and interrupt it two minutes later if it still runs."""
    world = model.world
    instance = world.instance(instance_id)
    # Not the ARN that EC2 gives instances elsewhere: the zone stands where the region would, and no account.
    arn = f"arn:{world.partition}:ec2:{instance.availability_zone}:instance/{instance_id}"
    detail = {"instance-id": instance_id, "instance-action": action}
    model.events.send(model.events.envelope("aws.ec2", "EC2 Spot Instance Interruption Warning", [arn], detail))

    def interrupt() -> None:
        if instance.state not in ("pending", "running"):
            return
        code = f"Server.SpotInstance{'Termination' if action == 'terminate' else 'Shutdown'}"
        instance.state_reason = {"Code": code, "Message": f"{code}: Instance interrupted by EC2"}
        (terminate if action == "terminate" else stop)(world, instance)

    world.later(WARNING_SECONDS, interrupt)

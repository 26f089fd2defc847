"""The life of an instance: pending, running, stopping, stopped, shutting-down, terminated, and gone an hour later."""

from collections.abc import Callable
from functools import partial

from spiderpool_aws.local.ec2.enis import detach, remove
from spiderpool_aws.local.ec2.errors import Ec2Error, check_id, missing, not_found
from spiderpool_aws.local.ec2.registry import Answer, Params, operation
from spiderpool_aws.local.ec2.rendering import state
from spiderpool_aws.local.ec2.state import Instance, InstanceState
from spiderpool_aws.local.ec2.world import World


def begin(world: World, instance: Instance) -> None:
    """Let a new or stopped instance come up."""
    _enter(world, instance, "pending")
    _after(world, instance, world.options.pending_seconds, partial(_run, world, instance))


def _run(world: World, instance: Instance) -> None:
    instance.has_run = True
    _enter(world, instance, "running")


def stop(world: World, instance: Instance) -> None:
    """Let an instance go down and keep its NICs, whoever wants it so."""
    _enter(world, instance, "stopping")
    _after(world, instance, world.options.stopping_seconds, partial(_enter, world, instance, "stopped"))


def terminate(world: World, instance: Instance) -> None:
    """Let an instance go down for good, whoever wants it so."""
    _enter(world, instance, "shutting-down")
    _after(world, instance, world.options.shutting_down_seconds, partial(_die, world, instance))


@operation("StartInstances", "InstanceIds AdditionalInfo")
def start_instances(world: World, params: Params) -> Answer:
    """Start stopped instances. Their launch time becomes now; NICs and private addresses are the same as before."""
    instances = _named(world, params)
    for instance in instances:
        if instance.state not in ("stopped", "running", "pending"):
            raise _wrong_state(f"The instance '{instance.id}' is not in a state from which it can be started.")
    changes = []
    for instance in instances:
        before = instance.state
        if before == "stopped":
            instance.launch_time = world.now()
            instance.transition_reason, instance.state_reason = "", None
            begin(world, instance)
        changes.append(_change(instance, before))
    return {"StartingInstances": changes}


@operation("StopInstances", "InstanceIds Hibernate Force")
def stop_instances(world: World, params: Params) -> Answer:
    """Stop or hibernate running instances; they keep NICs and addresses."""
    instances = _named(world, params)
    hibernate = params.get("Hibernate", False)
    for instance in instances:
        _check_can_stop(instance, hibernate=hibernate)
    changes = []
    for instance in instances:
        before = instance.state
        if before in ("pending", "running"):
            what = "Hibernate" if hibernate else "Shutdown"
            _explain(world, instance, f"Client.UserInitiated{what}", f"User initiated {what.lower()}")
            stop(world, instance)
        changes.append(_change(instance, before))
    return {"StoppingInstances": changes}


def _check_can_stop(instance: Instance, *, hibernate: bool) -> None:
    if instance.state == "pending" and not instance.has_run:
        message = f"Instance '{instance.id}' cannot be stopped as it has never reached the 'running' state."
        raise _wrong_state(message)
    if instance.state in ("shutting-down", "terminated"):
        raise _wrong_state(f"This instance '{instance.id}' is not in a state from which it can be stopped.")
    if hibernate and not instance.hibernation:
        raise Ec2Error(
            "UnsupportedHibernationConfiguration", f"The instance '{instance.id}' is not enabled for hibernation."
        )


@operation("TerminateInstances", "InstanceIds Force SkipOsShutdown")
def terminate_instances(world: World, params: Params) -> Answer:
    """Terminate; at the end the NICs go, or are available again where DeleteOnTermination is false."""
    instances = _named(world, params)
    changes = []
    for instance in instances:
        before = instance.state
        if before not in ("shutting-down", "terminated"):
            _explain(world, instance, "Client.UserInitiatedShutdown", "User initiated shutdown")
            terminate(world, instance)
        changes.append(_change(instance, before))
    return {"TerminatingInstances": changes}


def _die(world: World, instance: Instance) -> None:
    for eni in world.enis_of(instance):
        attachment = eni.attachment
        if attachment is None:
            continue
        delete = attachment.delete_on_termination
        detach(world, eni, attachment)
        if delete:
            remove(world, eni)
    instance.private_ip, instance.private_dns_name = "", ""

    def vanish() -> None:
        del world.instances[instance.id]
        world.changed(instance)

    world.later(world.options.terminated_kept_seconds, vanish)
    _enter(world, instance, "terminated")


def _enter(world: World, instance: Instance, new_state: InstanceState) -> None:
    instance.state = new_state
    world.changed(instance)
    world.on_state_change(instance)


def _after(world: World, instance: Instance, delay_seconds: float, change: Callable[[], None]) -> None:
    """Go on when the delay has passed, unless the instance was sent elsewhere meanwhile."""
    expected = instance.state

    def go_on() -> None:
        if instance.state == expected:
            change()

    world.later(delay_seconds, go_on)


def _explain(world: World, instance: Instance, code: str, message: str) -> None:
    instance.transition_reason = f"User initiated ({world.now():%Y-%m-%d %H:%M:%S} GMT)"
    instance.state_reason = {"Code": code, "Message": f"{code}: {message}"}


def _named(world: World, params: Params) -> list[Instance]:
    identifiers = list(dict.fromkeys(params.get("InstanceIds", ())))
    if not identifiers:
        raise missing("instancesSet")
    for identifier in identifiers:
        check_id("i", identifier)
    absent = [identifier for identifier in identifiers if identifier not in world.instances]
    if absent:
        raise not_found("i", absent)
    return [world.instances[identifier] for identifier in identifiers]


def _change(instance: Instance, before: InstanceState) -> Answer:
    return {"InstanceId": instance.id, "CurrentState": state(instance.state), "PreviousState": state(before)}


def _wrong_state(message: str) -> Ec2Error:
    return Ec2Error("IncorrectInstanceState", message)

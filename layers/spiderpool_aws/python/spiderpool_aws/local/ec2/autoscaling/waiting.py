"""Holds instances up for their hooks, until somebody completes the actions or their time is up.

Sources: Amazon EC2 Auto Scaling user guide, "How lifecycle hooks work" and "Amazon EC2 Auto Scaling lifecycle hooks":
CONTINUE lets the other hooks complete, ABANDON ends them all. The text of the error is Auto Scaling's own, as public
issues quote it (convox/rack#2432, spacelift-io/terraform-aws-spacelift-workerpool-on-ec2#197).
"""

from collections.abc import Callable
from functools import partial

from spiderpool_aws.local.ec2.autoscaling.announcing import Announcer
from spiderpool_aws.local.ec2.autoscaling.hooks import (
    LifecycleAction,
    LifecycleHook,
    Result,
    Transition,
    validation_error,
)
from spiderpool_aws.local.ec2.autoscaling.members import Member
from spiderpool_aws.local.ec2.world import World

Done = Callable[[Member, Result], None]


class WaitingRoom:
    """The hooks of one group; `done` is told how an instance's wait ended."""

    def __init__(self, world: World, announcer: Announcer, done: Done) -> None:
        self.hooks: dict[str, LifecycleHook] = {}
        self.ran_out: list[LifecycleAction] = []
        """The actions that nobody completed in time, the oldest first."""
        self._world = world
        self._announcer = announcer
        self._done = done

    def enter(self, member: Member, transition: Transition) -> bool:
        """Have a member wait for each hook of the transition; tell whether there is one."""
        now = self._world.clock.now()
        member.actions = [
            LifecycleAction(hook, member.instance_id, self._world.ids.uuid(), now, now)
            for hook in self.hooks.values()
            if hook.transition is transition
        ]
        for action in member.actions:
            self._announcer.waits(member, action)
            self._watch(member, action)
        return bool(member.actions)

    def complete(self, member: Member | None, hook: str, who: tuple[str, str], result: Result) -> None:
        """Complete an action; `who` is the instance's id and the token, of which one may be empty."""
        self._end(*_active(member, hook, who), result)

    def heartbeat(self, member: Member | None, hook: str, who: tuple[str, str]) -> None:
        """Let an action wait for the hook's whole time-out again."""
        _, action = _active(member, hook, who)
        action.heartbeat = self._world.clock.now()

    def _watch(self, member: Member, action: LifecycleAction) -> None:
        left = (action.ends - self._world.clock.now()).total_seconds()
        self._world.later(left, partial(self._look, member, action))

    def _look(self, member: Member, action: LifecycleAction) -> None:
        if all(waiting is not action for waiting in member.actions):
            return
        if action.ends > self._world.clock.now():
            self._watch(member, action)
        else:
            self.ran_out.append(action)
            self._end(member, action, action.hook.default_result)

    def _end(self, member: Member, action: LifecycleAction, result: Result) -> None:
        others = [waiting for waiting in member.actions if waiting is not action]
        member.actions = others if result is Result.CONTINUE else []
        if not member.actions:
            self._done(member, result)


def _active(member: Member | None, hook: str, who: tuple[str, str]) -> tuple[Member, LifecycleAction]:
    instance_id, token = who
    for action in member.actions if member is not None else ():
        if member is not None and action.hook.name == hook and token in ("", action.token):
            return member, action
    named = f"token {token}" if token else f"instance ID {instance_id}"
    raise validation_error(f"No active Lifecycle Action found with {named}")

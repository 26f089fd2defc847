"""Client tokens: the same call answers the same, another call with the same token is refused.

A retry of a call that succeeded succeeds "without performing any further actions" (EC2 developer guide, "Ensuring
idempotency in Amazon EC2 API requests"): also when what it made is gone since. Of a NIC the guide names no end of that;
of an instance an older edition said 24 hours after its termination, so here a token is good for one NIC for ever.
"""

from collections.abc import Callable

from spiderpool_aws.local.ec2.errors import Ec2Error
from spiderpool_aws.local.ec2.registry import Answer, Params
from spiderpool_aws.local.ec2.rendering import copy
from spiderpool_aws.local.ec2.world import World

_MAX_LENGTH = 64


def answer_once(world: World, operation_name: str, params: Params, run: Callable[[], Answer]) -> Answer:
    """Run the call, unless one with this client token has succeeded before: then repeat its answer."""
    token = params.get("ClientToken")
    if not token:
        return run()
    if len(token) > _MAX_LENGTH:
        raise Ec2Error("InvalidClientToken", f"A client token has at most {_MAX_LENGTH} characters")
    key = (operation_name, token)
    if key not in world.answers_by_token:
        answer = run()
        world.answers_by_token[key] = (copy(dict(params)), copy(answer))
        return answer
    first_params, answer = world.answers_by_token[key]
    if first_params != params:
        raise Ec2Error(
            "IdempotentParameterMismatch",
            "The request uses the same client token as a previous, but non-identical request.",
        )
    repeated: Answer = copy(answer)
    return repeated

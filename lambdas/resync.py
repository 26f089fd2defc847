"""`resync`: all nodes are planned, by schedule, after a change of the policy, or when a person asks for it."""

from typing import Any

from spiderpool_aws.bootstrap import Application, LambdaContext, function
from spiderpool_aws.events import ResyncEvent
from spiderpool_aws.routes import parse


@function("resync", needs=lambda app: app.resync)
def handler(app: Application, event: Any, context: LambdaContext) -> dict[str, Any]:
    """Run one resync; return counts, and the plans of a dry run."""
    request = parse(event, ResyncEvent).to_resync(context.aws_request_id)
    return app.resync.run(request)

"""`reconcile_nodes`: a batch of the FIFO queue is worked on."""

from typing import Any

from spiderpool_aws.bootstrap import Application, InvocationDeadline, LambdaContext, function


@function("reconcile_nodes", needs=lambda app: app.worker)
def handler(app: Application, event: Any, context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """Work on a batch; return the messages that stay in the queue."""
    return app.worker.handle(event, InvocationDeadline(context))

"""`route_event`: an event of EventBridge becomes requests in the FIFO queue, one per instance."""

from typing import Any

from spiderpool_aws.bootstrap import Application, LambdaContext, function


@function("route_event", needs=lambda app: app.router)
def handler(app: Application, event: Any, _: LambdaContext) -> dict[str, Any]:
    """Route one event; the answer is for a person who invokes the function by hand."""
    return {"enqueued": [request.subject for request in app.router.route(event)]}

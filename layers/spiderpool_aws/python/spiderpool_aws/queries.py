"""CloudWatch Logs Insights' queries, one for each question of `docs/operations.md`; the stack saves them. Pure data.

Source of the language and of the fields that it finds in JSON lines by themselves (`detail.status`): CloudWatch Logs
User Guide, "Logs Insights QL" and "Supported logs and discovered fields".
"""

from dataclasses import dataclass

from spiderpool_aws.deployment import FUNCTIONS, RECONCILE_NODES, RESYNC, ROUTE_EVENT, Function

INSTANCE = "i-0123456789abcdef0"
EVENT = "00000000-0000-0000-0000-000000000000"
"""What a person puts their own id in place of."""


@dataclass(frozen=True, slots=True)
class Query:
    """One saved query."""

    name: str
    question: str
    functions: tuple[Function, ...]
    """Whose log groups it reads."""
    text: str


QUERIES = (
    Query(
        "story-of-a-node",
        "What happened to one node, and why?",
        (RECONCILE_NODES, RESYNC, ROUTE_EVENT),
        f"""\
fields @timestamp, message, node, eni, correlation_id
| filter instance = "{INSTANCE}"
| sort @timestamp asc
| limit 1000""",
    ),
    Query(
        "story-of-an-event",
        "What came of one event?",
        FUNCTIONS,
        f"""\
fields @timestamp, service, instance, node, message
| filter correlation_id = "{EVENT}"
| sort @timestamp asc
| limit 1000""",
    ),
    Query(
        "events",
        "Which events come in, and how many?",
        (ROUTE_EVENT,),
        """\
filter ispresent(detail.event)
| stats count() as events, latest(instance) as last_instance by detail.event
| sort events desc""",
    ),
    Query(
        "changes",
        "What was changed, and on which NIC?",
        (RECONCILE_NODES,),
        """\
fields @timestamp, instance, node, eni, message
| filter ispresent(detail.stage)
| sort @timestamp desc
| limit 1000""",
    ),
    Query(
        "launches",
        "How long do launches take until all pools are there?",
        (RECONCILE_NODES,),
        """\
filter ispresent(detail.launch_seconds)
| stats count() as launches, pct(detail.launch_seconds, 50) as median, max(detail.launch_seconds) as longest""",
    ),
    Query(
        "waiting",
        "Which nodes wait, and for what?",
        (RECONCILE_NODES,),
        """\
filter detail.status = "waiting"
| stats count() as passes, latest(detail.reason) as last_reason, latest(@timestamp) as last_pass by instance
| sort passes desc""",
    ),
    Query(
        "given-up",
        "Which nodes were not complete after 20 minutes?",
        (RECONCILE_NODES,),
        """\
filter ispresent(detail.given_up)
| stats count() as times, latest(detail.given_up) as last_reason by instance
| sort times desc""",
    ),
    Query(
        "refused",
        "What is refused, and for which nodes?",
        (RECONCILE_NODES,),
        """\
filter detail.status = "refused"
| stats count() as passes, latest(detail.reason) as last_reason by instance
| sort passes desc""",
    ),
    Query(
        "findings",
        "What should a person know of which node?",
        (RECONCILE_NODES,),
        """\
filter ispresent(detail.code)
| stats count() as passes, latest(message) as last_message by detail.code, instance
| sort passes desc""",
    ),
    Query(
        "failing",
        "What goes on failing?",
        (RECONCILE_NODES,),
        """\
filter detail.status = "failed"
| stats count() as passes, latest(detail.reason) as last_reason by instance
| sort passes desc""",
    ),
    Query(
        "dead-letters",
        "What went to the dead-letter queues, and why?",
        (RECONCILE_NODES, ROUTE_EVENT),
        """\
filter ispresent(detail.dead_lettered)
| stats count() as messages, latest(detail.dead_lettered) as last_reason by service, instance
| sort messages desc""",
    ),
    Query(
        "crash-suspects",
        "Which message seems to end the function?",
        (RECONCILE_NODES,),
        """\
fields @timestamp, message, instance
| filter ispresent(detail.suspect_receives) or @message like /Status: timeout|Runtime exited/
| sort @timestamp desc
| limit 100""",
    ),
    Query(
        "policy",
        "Why is the newest policy not in force?",
        (RECONCILE_NODES, RESYNC),
        """\
filter message like /^the newest policy is not in force/
| stats count() as passes, latest(message) as last_message by service""",
    ),
    Query(
        "held-removals",
        "What does the fuse hold back, and under which digest?",
        (RESYNC,),
        """\
filter ispresent(detail.held)
| stats count() as passes, latest(detail.held) as last_reason by detail.digest""",
    ),
    Query(
        "resyncs",
        "How many nodes differ from pass to pass?",
        (RESYNC,),
        """\
fields @timestamp, detail.instances, detail.converged, detail.differing, detail.waiting, detail.enqueued
| filter ispresent(detail.enqueued)
| sort @timestamp desc
| limit 100""",
    ),
)

"""`spiderpool-aws dlq`: what ended in the dead-letter queues, and what becomes of it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spiderpool_aws.cli.connect import aws_session, clients
from spiderpool_aws.cli.errors import FAILED
from spiderpool_aws.cli.options import OUTPUT, Output
from spiderpool_aws.cli.shown import visible
from spiderpool_aws.deployment import DEAD_REQUESTS, LOST_EVENTS, Names

if TYPE_CHECKING:
    from spiderpool_aws.adapters.dead_letters import DeadLetter, DeadLetterQueue

app = typer.Typer(help="The dead-letter queues: requests and events that nobody could work on.", no_args_is_help=True)

QUEUES = {"requests": DEAD_REQUESTS, "events": LOST_EVENTS}


class Kind(StrEnum):
    """Which of the two queues."""

    REQUESTS = "requests"
    EVENTS = "events"
    BOTH = "both"


Cluster = Annotated[
    str, typer.Option(envvar="SPIDERPOOL_AWS_CLUSTER", help="The policy's cluster, whose queues they are.")
]
QueueUrl = Annotated[str, typer.Option(help="The URL of one of the two queues, instead of --cluster.")]
Queue = Annotated[Kind, typer.Option(help="Which queue of the cluster.")]
Subject = Annotated[
    str, typer.Option(help="Only what is about this: an instance (i-…), or part of an event's subject.")
]
Region = Annotated[str, typer.Option(help="The region; without it as boto3 finds it.")]


@app.command("list")
def show(
    cluster: Cluster = "",
    queue_url: QueueUrl = "",
    queue: Queue = Kind.BOTH,
    subject: Subject = "",
    region: Region = "",
    output: OUTPUT = Output.TABLE,
) -> None:
    """Show each message with its reason. Of one instance ten at most; each look counts as a receive."""
    found = []
    for source in _queues(cluster, queue_url, queue, region):
        with source.look() as letters:
            found += [_document(source, letter) for letter in letters if _fits(letter, subject)]
    if output is Output.JSON:
        print(json.dumps(found, indent=2))
    else:
        _print(found)


@app.command()
def redrive(
    cluster: Cluster = "",
    queue_url: QueueUrl = "",
    queue: Queue = Kind.BOTH,
    subject: Subject = "",
    region: Region = "",
    output: OUTPUT = Output.TABLE,
) -> None:
    """Have the messages worked on again: requests go back into their queue, events to their function.

    Exit code 1: some were left, each with why.
    """
    done: list[dict[str, Any]] = []
    left: list[dict[str, Any]] = []
    finished = False
    try:
        for source in _queues(cluster, queue_url, queue, region):
            _send_back(source, subject, done, left)
        finished = True
    finally:
        # Also what went back before AWS refused one, or the person stopped it.
        if finished or done or left:
            _print_sent_back(done, left, output)
    if left:
        raise typer.Exit(FAILED)


@app.command()
def drop(
    cluster: Cluster = "",
    queue_url: QueueUrl = "",
    queue: Queue = Kind.BOTH,
    subject: Subject = "",
    region: Region = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    output: OUTPUT = Output.TABLE,
) -> None:
    """Delete the messages for good. The resync looks at every node anyway, so nothing of the cluster is lost."""
    dropped: list[dict[str, Any]] = []
    for source in _queues(cluster, queue_url, queue, region):
        with source.look() as letters:
            chosen = [letter for letter in letters if _fits(letter, subject)]
            if not chosen or not (yes or _agreed(source, chosen)):
                continue
            for letter in chosen:
                source.drop(letter)
                dropped.append(_document(source, letter))
    print(json.dumps({"dropped": dropped}, indent=2) if output is Output.JSON else f"dropped: {len(dropped)}")


def session(region: str) -> Any:
    """Return boto3's session, found as the other commands find it."""
    return aws_session(region, "")


def _queues(cluster: str, queue_url: str, kind: Kind, region: str) -> Iterator[DeadLetterQueue]:
    from spiderpool_aws.adapters.aws_errors import aws_errors
    from spiderpool_aws.adapters.dead_letters import DeadLetterQueue
    from spiderpool_aws.adapters.dead_letters import queue_url as look_up

    if bool(cluster) == bool(queue_url):
        raise typer.BadParameter("give either --cluster or --queue-url")
    names = Names(cluster or _cluster_of(queue_url))
    with aws_errors("sqs:ReceiveMessage"):
        make_client = clients(session(region))
        sqs, lambda_ = make_client("sqs"), make_client("lambda")
    if queue_url:
        yield DeadLetterQueue(sqs, lambda_, names, queue_url)
        return
    for name, what in QUEUES.items():
        if kind in (name, Kind.BOTH):
            yield DeadLetterQueue(sqs, lambda_, names, look_up(sqs, names.of(what)))


def _cluster_of(queue_url: str) -> str:
    name = queue_url.rpartition("/")[2]
    for what in QUEUES.values():
        if name.startswith("spiderpool-aws-") and name.endswith(f"-{what}"):
            return name.removeprefix("spiderpool-aws-").removesuffix(f"-{what}")
    endings = " or ".join(f"spiderpool-aws-<cluster>-{what}" for what in QUEUES.values())
    raise typer.BadParameter(f"--queue-url {queue_url} is no dead-letter queue of ours: it ends with {endings}")


def _send_back(source: DeadLetterQueue, subject: str, done: list[dict[str, Any]], left: list[dict[str, Any]]) -> None:
    """Send back the letters of a queue that fit, and put each to what is done or left."""
    errands: set[tuple[str, str]] = set()
    with source.look() as letters:
        for letter in letters:
            if not _fits(letter, subject):
                continue
            if letter.unreadable:
                left.append(_document(source, letter) | {"left": f"{letter.unreadable}: drop it"})
            elif letter.errand in errands:
                # What is refused at once is here again while this runs.
                left.append(_document(source, letter) | {"left": f"the same was just sent back: {letter.reason}"})
            else:
                source.send_back(letter)
                errands.add(letter.errand)
                done.append(_document(source, letter))


def _print_sent_back(done: list[dict[str, Any]], left: list[dict[str, Any]], output: Output) -> None:
    if output is Output.JSON:
        print(json.dumps({"redriven": done, "left": left}, indent=2))
        return
    print(f"sent back: {len(done)}")
    for (queue, subject), count in Counter((one["queue"], one["subject"]) for one in done).items():
        print(visible(f"  {queue}: {subject}{f' ({count} times)' if count > 1 else ''}"))
    for one in left:
        print(visible(f"left: {one['queue']}: {one['subject'] or one['messageId']}: {one['left']}"))


def _fits(letter: DeadLetter, subject: str) -> bool:
    return not subject or letter.subject == subject or (not letter.group and subject in letter.subject)


def _agreed(source: DeadLetterQueue, letters: list[DeadLetter]) -> bool:
    _print([_document(source, letter) for letter in letters], file=sys.stderr)
    return typer.confirm(f"Delete these {len(letters)} of {source.url.rpartition('/')[2]} for good?", err=True)


def _document(source: DeadLetterQueue, letter: DeadLetter) -> dict[str, Any]:
    return {
        "queue": "requests" if source.fifo else "events",
        "messageId": letter.message_id,
        "subject": letter.subject,
        "reason": letter.reason,
        "sentAt": letter.sent_at.isoformat(timespec="seconds"),
        "ageSeconds": max(0, int((datetime.now(UTC) - letter.sent_at).total_seconds())),
        "receives": letter.receives,
    }


def _print(found: list[dict[str, Any]], file: Any = None) -> None:
    from rich.markup import escape
    from rich.table import Table

    from spiderpool_aws.cli.shown import console

    if not found:
        print("nothing there", file=file)
        return
    # What a message says is shown as it is, never taken as rich's markup.
    table = Table("queue", "subject", "age", "receives", "reason")
    for one in found:
        age = f"{one['ageSeconds'] // 3600} h {one['ageSeconds'] % 3600 // 60} min"
        table.add_row(one["queue"], escape(one["subject"]), age, str(one["receives"]), escape(one["reason"]))
    console(file=file).print(table)

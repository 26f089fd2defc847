"""What the start of each function costs over bare Python, each in a fresh process, in CPU time.

The modules import their SDKs at first use, so the import alone says little: the second figure is until the function has
all that it works with, boto3's clients included.
"""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator

from tests.bench.cpu import Stopwatch
from tests.bench.rows import Row

RUNS = 7
PARTS = {"route_event": "router", "reconcile_nodes": "worker", "resync": "resync"}
ENVIRONMENT = {
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "SPIDERPOOL_AWS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/q.fifo",
    "SPIDERPOOL_AWS_DEAD_LETTER_URL": "https://sqs.eu-west-1.amazonaws.com/1/d.fifo",
    "SPIDERPOOL_AWS_LOST_EVENTS_URL": "https://sqs.eu-west-1.amazonaws.com/1/l",
    "SPIDERPOOL_AWS_POLICY_PARAMETER": "/p",
    "SPIDERPOOL_AWS_FUSE_PARAMETER": "/f",
    "SPIDERPOOL_AWS_KUBECONFIG_SECRET": "s",
}


def _milliseconds(code: str) -> float:
    times = []
    for _ in range(RUNS):
        watch = Stopwatch()
        subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | ENVIRONMENT)  # noqa: S603 - our own code
        times.append(watch.seconds() * 1000)
    return statistics.median(times)


def rows() -> Iterator[Row]:
    """Return the start-up time of each function."""
    bare = _milliseconds("pass")
    for module, part in PARTS.items():
        cost = _milliseconds(f"import lambdas.{module}") - bare
        ready = (
            f"import lambdas.{module} as m; from spiderpool_aws.bootstrap import application; application('b').{part}"
        )
        cells = (f"{cost:.0f} ms", f"{_milliseconds(ready) - bare:.0f} ms")
        yield Row("Start of a function, over bare Python", f"`{module}`", *cells)

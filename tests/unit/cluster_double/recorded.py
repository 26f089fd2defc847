"""The answers that a real API server with Spiderpool gave, in the order in which they were asked for."""

import json
from pathlib import Path
from typing import Any

RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parent / "contract" / "answers.jsonl").read_text(encoding="utf-8").splitlines()
]
# Before these the recorder gave the controller time, as a person would.
AFTER_A_WAIT = {"gone after release", "unused pool is gone", "its network attachment"}
VOLATILE = {"resourceVersion", "uid", "creationTimestamp", "managedFields", "time", "continue", "remainingItemCount"}


def scrub(value: Any) -> Any:
    """Drop what differs from run to run."""
    if isinstance(value, dict):
        return {
            key: "<set>" if key == "deletionTimestamp" else scrub(item)
            for key, item in value.items()
            if key not in VOLATILE
        }
    return [scrub(item) for item in value] if isinstance(value, list) else value

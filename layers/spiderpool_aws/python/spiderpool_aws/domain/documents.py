"""JSON that others may have written into a text that no API server validates: annotations, `status.allocatedIPs`."""

import json
from typing import Any


def read_object(text: str) -> dict[str, Any]:
    """Return the JSON object of a text. Raises ValueError, and nothing else, for what is none.

    Texts of it can be written anywhere: half a surrogate pair, which JSON can say and UTF-8 cannot, is refused.
    """
    try:
        document = json.loads(text)
        if "\\u" in text:
            json.dumps(document, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("it is not a JSON object")
    return document

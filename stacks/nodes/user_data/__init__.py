"""What cloud-init does on a node when it boots for the first time: the parts, as one MIME document.

The parts are files beside this one; `@name@` in them is filled in here. Scripts run in the order of their names, which
is cloud-init's own order, and stay on the node under these names: units start them again.
"""

import re
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path

from spiderpool_aws.domain.policy.model import Group

HERE = Path(__file__).parent
MOST_BYTES = 16 * 1024
"""EC2's limit, before base64 (EC2 user guide, "Run commands when you launch an EC2 instance with user data input")."""

COMMENT = re.compile(r"^ *#(?!!|cloud-config).*\n", re.MULTILINE)
"""The comments are for readers of the repository: the limit is for all parts together."""


def startup_taint(key: str) -> str:
    """Return a taint as `--register-with-taints` takes it."""
    return f"{key}=:NoSchedule"


def render(group: Group, taint_key: str | None, join_parameter: str) -> str:
    """Return the user data of a group's nodes: NICs, the kubelet's startup taint if there is one, and joining."""
    taint = startup_taint(taint_key) if taint_key else ""
    nics = " ".join(f"{interface.device_index}={interface.host}" for interface in group.interfaces)
    document = MIMEMultipart("mixed", boundary="=====spiderpool-aws=====")
    document.attach(_part("cloud-config", "cloud-config.yaml"))
    document.attach(_part("x-shellscript", "nics.sh", "10-nics.sh", nics=nics))
    if taint:
        document.attach(_part("x-shellscript", "kubelet.sh", "20-kubelet.sh", taint=taint))
    document.attach(_part("x-shellscript", "join.sh", "30-join.sh", taint=taint, parameter=join_parameter))
    return document.as_string()


def _part(subtype: str, source: str, name: str = "", **values: str) -> MIMEText:
    text = COMMENT.sub("", (HERE / source).read_text(encoding="ascii"))
    # What is filled in came through the policy's and the context's patterns: none of it can end a quoted string.
    text = re.sub(r"@(\w+)@", lambda found: values[found[1]], text) if values else text
    part = MIMEText(text, subtype, "us-ascii")
    part.add_header("Content-Disposition", "attachment", filename=name or source)
    return part

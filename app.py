"""The CDK app: `cdk deploy`, or `python app.py` to write the templates. It calls no AWS API."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

if shutil.which("node") is None:
    # The import of aws_cdk starts it, and would end in a page of another program's trace.
    raise SystemExit("CDK runs on Node.js, and there is no `node` on the PATH: install Node.js 20 or newer")

from stacks.assets import AssetError
from stacks.build import App, build, warnings
from stacks.context.deployment import ContextError, read


def own_context() -> dict[str, Any] | None:
    """Return the context in cdk.json, which the CLI hands over; without the CLI nobody else reads it."""
    if "CDK_CLI_VERSION" in os.environ or "CDK_CONTEXT_JSON" in os.environ:
        return None
    try:
        context: dict[str, Any] | None = json.loads(Path("cdk.json").read_text()).get("context")
    except (OSError, ValueError) as error:
        raise SystemExit(f"cdk.json: {error}") from None
    return context


# The CLI says where it wants the templates.
app = App(outdir=os.environ.get("CDK_OUTDIR", "build/cdk.out"), context=own_context())
try:
    build(app, read(app.node.get_all_context()))
except (AssetError, ContextError) as error:
    raise SystemExit(str(error)) from None
assembly = app.synth()
# The CLI shows them itself.
if "CDK_CLI_VERSION" not in os.environ:
    for warning in warnings(assembly):
        sys.stderr.write(f"{warning}\n")

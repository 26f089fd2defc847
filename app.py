"""The CDK app: `cdk deploy`, or `python app.py` to write the templates. It calls no AWS API."""

import os
import shutil
import sys

if shutil.which("node") is None:
    # The import of aws_cdk starts it, and would end in a page of another program's trace.
    raise SystemExit("CDK runs on Node.js, and there is no `node` on the PATH: install Node.js 20 or newer")

from stacks.assets import AssetError
from stacks.build import App, build, warnings
from stacks.context.deployment import ContextError, read

# The CLI says where it wants the templates.
app = App(outdir=os.environ.get("CDK_OUTDIR", "build/cdk.out"))
try:
    build(app, read(app.node.get_all_context()))
except (AssetError, ContextError) as error:
    raise SystemExit(str(error)) from None
assembly = app.synth()
# The CLI shows them itself.
if "CDK_CLI_VERSION" not in os.environ:
    for warning in warnings(assembly):
        sys.stderr.write(f"{warning}\n")

"""The CDK app: `cdk deploy`, or `python app.py` to write the templates. It calls no AWS API."""

import os

from stacks.assets import AssetError
from stacks.build import App, build
from stacks.context import ContextError, read

# The CLI says where it wants the templates.
app = App(outdir=os.environ.get("CDK_OUTDIR", "build/cdk.out"))
try:
    build(app, read(app.node.get_all_context()))
except (AssetError, ContextError) as error:
    raise SystemExit(str(error)) from None
app.synth()

"""The CDK app: `cdk deploy`, or `python app.py` to write the templates. It calls no AWS API."""

from aws_cdk import App

from stacks.build import build
from stacks.context import ContextError, read

app = App()
try:
    build(app, read(app.node.get_all_context()))
except ContextError as error:
    raise SystemExit(str(error)) from None
app.synth()

"""The infrastructure: three stacks for AWS CDK. Of the package they import what is pure: docs/adr/0015."""

import os

# CDK starts Node.js when it is imported; its page about versions near their end of life would hide what matters.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "18,20,22")

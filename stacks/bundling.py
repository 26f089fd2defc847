"""The functions' code as assets: the folders as they are."""

from pathlib import Path

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

ROOT = Path(__file__).parents[1]


def dependencies_layer(scope: Construct) -> lambda_.LayerVersion:
    """Return the layer with what the package needs."""
    return _layer(scope, "Dependencies", "layers/spiderpool_aws")


def package_layer(scope: Construct) -> lambda_.LayerVersion:
    """Return the layer with the package."""
    return _layer(scope, "Package", "layers/spiderpool_aws")


def function_code(name: str) -> lambda_.Code:
    """Return the code of one function."""
    return lambda_.Code.from_asset(str(ROOT / "lambdas"), exclude=["*", f"!{name}.py", "!__init__.py"])


def _layer(scope: Construct, name: str, folder: str) -> lambda_.LayerVersion:
    code = lambda_.Code.from_asset(str(ROOT / folder), exclude=["**/__pycache__"])
    return lambda_.LayerVersion(
        scope,
        name,
        code=code,
        compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
        compatible_architectures=[lambda_.Architecture.ARM_64],
    )

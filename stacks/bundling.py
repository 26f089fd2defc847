"""The functions' code for CDK: two layers and a module each, bundled without Docker.

With the context `aws:cdk:bundling-stacks: []` nothing is bundled, which is enough to look at a template.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import Annotations, AssetHashType, BundlingOptions, BundlingOutput, DockerImage, ILocalBundling, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.assets import HANDLERS, LAMBDA, PACKAGE, REQUIREMENTS, Asset, compiler, dependencies, handler, package

ARCHITECTURE = lambda_.Architecture.ARM_64
RUNTIME = lambda_.Runtime.PYTHON_3_13


def dependencies_layer(scope: Construct) -> lambda_.LayerVersion:
    """Return the layer of other people's packages. Raises AssetError when it cannot be made."""
    return _layer(scope, "Dependencies", "What spiderpool-aws imports", dependencies, REQUIREMENTS.parent)


def package_layer(scope: Construct) -> lambda_.LayerVersion:
    """Return the layer of the package `spiderpool_aws`. Raises AssetError when it cannot be made."""
    return _layer(scope, "Package", "spiderpool-aws itself", package, PACKAGE)


def function_code(name: str) -> lambda_.Code:
    """Return a function's own code; `name` is its module under `lambdas/`. Raises AssetError when there is none."""
    return _code(handler(name), HANDLERS)


def _layer(
    scope: Construct, name: str, description: str, make: Callable[[], Asset], source: Path
) -> lambda_.LayerVersion:
    asset = make()
    if Stack.of(scope).bundling_required:
        # Before CDK asks for it: an error that crosses into CDK's own process comes back as a page of it.
        asset.archive()
        _warn_without_bytecode(scope)
    return lambda_.LayerVersion(
        scope,
        name,
        description=description,
        code=_code(asset, source),
        compatible_runtimes=[RUNTIME],
        compatible_architectures=[ARCHITECTURE],
    )


def _code(asset: Asset, source: Path) -> lambda_.Code:
    return lambda_.Code.from_asset(
        str(source),
        asset_hash=asset.fingerprint,
        asset_hash_type=AssetHashType.CUSTOM,
        bundling=BundlingOptions(
            # Never used: the local bundling always succeeds or raises.
            image=DockerImage.from_registry("scratch"),
            local=_Local(asset),
            output_type=BundlingOutput.ARCHIVED,
        ),
    )


def _warn_without_bytecode(scope: Construct) -> None:
    if compiler(LAMBDA.python) is None:
        Annotations.of(scope).add_warning_v2(
            "spiderpool-aws:no-bytecode",
            f"there is no Python {LAMBDA.python} on this machine, so the layers have no bytecode and every cold start "
            f"takes about twice as long: install python{LAMBDA.python} and synthesise again",
        )


@jsii.implements(ILocalBundling)
class _Local:
    """Hands CDK the archive of an asset."""

    def __init__(self, asset: Asset) -> None:
        self._asset = asset

    def try_bundle(self, output_dir: str, *_: Any, **__: Any) -> bool:
        """Put the archive into CDK's folder, as the only file in it."""
        shutil.copyfile(self._asset.archive(), Path(output_dir, "asset.zip"))
        return True

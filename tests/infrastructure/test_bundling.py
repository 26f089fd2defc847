"""What is uploaded to Lambda: the layers and the functions' own code."""

import gzip
import json
import re
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from spiderpool_aws.deployment import FUNCTIONS
from stacks import assets
from stacks.assets import LAMBDA, REQUIREMENTS, ROOT, Asset, AssetError, compiler, dependencies, handler, package

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="CDK runs on node, which is not on the path")
UNZIPPED_LIMIT_BYTES = 250 * 1024 * 1024
"""Lambda developer guide, "Lambda quotas": all layers and the function's own code, unzipped."""
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", re.MULTILINE)


@pytest.fixture(scope="session")
def layer() -> zipfile.ZipFile:
    return zipfile.ZipFile(dependencies().archive())


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of what the assets are made of, which a test may change."""
    for name in ("lambdas", "layers"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "local"))
    shutil.copy(ROOT / "stacks" / "assets.py", tmp_path)
    monkeypatch.setattr(assets, "ROOT", tmp_path)
    monkeypatch.setattr(assets, "__file__", str(tmp_path / "assets.py"))
    monkeypatch.setattr(assets, "CACHE", tmp_path / "build")
    monkeypatch.setattr(assets, "REQUIREMENTS", tmp_path / REQUIREMENTS.relative_to(ROOT))
    monkeypatch.setattr(assets, "PACKAGE", tmp_path / assets.PACKAGE.relative_to(ROOT))
    monkeypatch.setattr(assets, "HANDLERS", tmp_path / "lambdas")
    return tmp_path


def pins(path: Path) -> dict[str, str]:
    return dict(_PIN.findall(path.read_text()))


def fingerprints() -> dict[str, str]:
    return {asset.name: asset.fingerprint for asset in (dependencies(), package(), handler("resync"))}


def sources(asset: Asset) -> set[str]:
    with zipfile.ZipFile(asset.archive()) as packed:
        return {name for name in packed.namelist() if not name.endswith(".pyc")}


def test_the_layer_has_the_versions_that_everything_is_tested_with() -> None:
    deployed, tested = pins(REQUIREMENTS), pins(ROOT / "requirements.txt")
    assert deployed
    assert {name: tested.get(name) for name in deployed} == deployed


def test_every_pin_of_the_layer_is_proved_by_hashes() -> None:
    text = REQUIREMENTS.read_text()
    for name, version in pins(REQUIREMENTS).items():
        assert re.search(rf"^{name}=={re.escape(version)} \\\n    --hash=sha256:[0-9a-f]{{64}}", text, re.MULTILINE), (
            name
        )


def test_what_the_package_needs_is_pinned_in_the_layer() -> None:
    needed = {"aws-lambda-powertools", "boto3", "kubernetes", "pydantic", "pydantic-settings", "pyyaml"}
    assert needed <= pins(REQUIREMENTS).keys()


def test_the_native_parts_of_the_layer_are_for_lambdas_machine_and_python(layer: zipfile.ZipFile) -> None:
    native = [name for name in layer.namelist() if name.endswith(".so")]
    assert native
    assert [name for name in native if "cpython-313-aarch64-linux" not in name] == []


def test_the_layer_leaves_out_what_no_function_uses(layer: zipfile.ZipFile) -> None:
    names = [name.removeprefix("python/") for name in layer.namelist()]
    packages = ("aiohttp", "bin", "kubernetes/aio", "kubernetes/client/api", "moto", "oauthlib", "requests")
    assert [name for name in names if name.startswith(tuple(f"{package}/" for package in packages))] == []
    assert [name for name in names if "/tests/" in name or name.endswith("_test.py")] == []


def test_the_layer_has_the_sdk_models_of_our_services_and_no_others(layer: zipfile.ZipFile) -> None:
    services = {match[1] for name in layer.namelist() if (match := re.match("python/botocore/data/([^/]+)/", name))}
    assert services == {"autoscaling", "ec2", "secretsmanager", "sqs", "ssm", "sts"}


def test_the_layers_sts_knows_the_call_that_the_web_identity_login_makes(layer: zipfile.ZipFile) -> None:
    model = next(name for name in layer.namelist() if re.fullmatch(".*/data/sts/[^/]+/service-2.json.gz", name))
    assert "GetWebIdentityToken" in json.loads(gzip.decompress(layer.read(model)))["operations"]


def test_layers_and_code_fit_into_a_function(layer: zipfile.ZipFile) -> None:
    with zipfile.ZipFile(package().archive()) as ours:
        unzipped = sum(info.file_size for packed in (layer, ours) for info in packed.infolist())
    assert unzipped < UNZIPPED_LIMIT_BYTES / 4


def test_whoever_runs_the_function_may_read_every_file_whatever_the_mask_of_whoever_bundled(
    layer: zipfile.ZipFile,
) -> None:
    assert {info.external_attr >> 16 & 0o777 for info in layer.infolist()} == {0o644}


def test_the_package_layer_has_all_of_the_package_but_what_runs_on_a_persons_machine() -> None:
    below = {name.split("/")[2] for name in sources(package())}
    assert below.isdisjoint({"cli", "local"})
    assert {"bootstrap.py", "adapters", "domain", "manifests", "py.typed"} <= below


@pytest.mark.parametrize("name", [function.name for function in FUNCTIONS])
def test_a_function_has_its_own_handler_and_nobody_elses(name: str) -> None:
    assert sources(handler(name)) == {"lambdas/__init__.py", f"lambdas/{name}.py"}


def test_a_function_that_is_not_there_is_named() -> None:
    with pytest.raises(AssetError, match=r"no function rout_event: lambdas/rout_event\.py is missing"):
        handler("rout_event")


@pytest.mark.skipif(
    compiler(LAMBDA.python) is None, reason=f"no Python {LAMBDA.python} here: archives have no bytecode"
)
def test_bytecode_is_for_lambdas_python_and_is_used_whatever_the_time_of_its_source(layer: zipfile.ZipFile) -> None:
    compiled = [name for name in layer.namelist() if name.endswith(".pyc")]
    assert len(compiled) > 100
    assert [name for name in compiled if ".cpython-313." not in name] == []
    # PEP 552: bit 0 says that there is a hash instead of a time, bit 1 that it is compared with the source.
    assert {layer.read(name)[4:8] for name in compiled} == {b"\1\0\0\0"}


def test_the_same_sources_have_the_same_fingerprint(checkout: Path) -> None:
    once = fingerprints()
    for path in checkout.rglob("*.py"):
        path.touch()
    assert fingerprints() == once
    assert len(set(once.values())) == 3


@pytest.mark.parametrize(
    ("changed", "whose"),
    [
        ("layers/dependencies/requirements.txt", {"dependencies-aarch64"}),
        ("layers/spiderpool_aws/python/spiderpool_aws/bootstrap.py", {"package"}),
        ("layers/spiderpool_aws/python/spiderpool_aws/cli/main.py", set()),
        ("lambdas/resync.py", {"resync"}),
        ("lambdas/route_event.py", set()),
        ("assets.py", {"dependencies-aarch64", "package", "resync"}),
    ],
)
def test_a_change_of_a_source_changes_the_fingerprint_of_what_is_made_of_it(
    checkout: Path, changed: str, whose: set[str]
) -> None:
    before = fingerprints()
    with (checkout / changed).open("a") as source:
        source.write("# changed\n")
    after = fingerprints()
    assert {name for name in before if before[name] != after[name]} == whose


def test_an_archive_made_again_is_the_same_to_the_byte(checkout: Path) -> None:
    archive = package().archive()
    before = archive.read_bytes()
    archive.unlink()
    assert package().archive().read_bytes() == before


def test_an_archive_that_is_there_is_not_made_again(checkout: Path) -> None:
    made: list[Path] = []
    asset = Asset("nothing", "0" * 64, made.append)
    assert asset.archive() == asset.archive()
    assert len(made) == 1


def test_a_pip_that_fails_is_one_clear_line_and_leaves_nothing_behind(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(checkout))
    with pytest.raises(AssetError) as raised:
        dependencies().archive()
    line = str(raised.value)
    assert line.startswith("the dependencies layer cannot be made: pip could not install layers/dependencies/requirem")
    assert line.endswith("check that a package index is reachable")
    assert "\n" not in line
    assert list((checkout / "build").iterdir()) == []


def test_an_interpreter_without_pip_is_one_clear_line(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(checkout))
    (checkout / "pip.py").write_text("raise ImportError('no pip here')")
    with pytest.raises(AssetError, match="no pip here"):
        dependencies().archive()


def test_what_pip_says_is_without_colours(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(checkout))
    (checkout / "pip.py").write_text("raise SystemExit('\\x1b[31mERROR: \\x1b[1;4mno such host\\x1b[0m')")
    with pytest.raises(AssetError, match=r"\(no such host\)") as raised:
        dependencies().archive()
    assert "\x1b" not in str(raised.value)


def test_a_checkout_that_cannot_be_written_is_one_clear_line(checkout: Path) -> None:
    (checkout / "build").write_text("a file where the folder has to be, which stops root, too")
    with pytest.raises(AssetError) as raised:
        package().archive()
    assert re.fullmatch(
        r"package-[0-9a-f]+\.zip cannot be made \(.*\): check that .*/build can be written.*", str(raised.value)
    )


def test_a_python_is_found_by_its_version_and_none_is_made_up() -> None:
    assert compiler(f"{sys.version_info.major}.{sys.version_info.minor}") == sys.executable
    assert compiler("2.0") is None


@needs_node
def test_the_layers_are_lambdas_kind_and_are_bundled_by_nobody_but_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aws_cdk import App, Stack
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk.assertions import Template

    from stacks import bundling

    # Docker would be looked for on the path.
    monkeypatch.setenv("PATH", str(Path(shutil.which("node") or "").parent))
    stack = Stack(App(outdir=str(tmp_path)), "Test")
    layers = [bundling.dependencies_layer(stack), bundling.package_layer(stack)]
    lambda_.Function(
        stack,
        "Function",
        runtime=bundling.RUNTIME,
        architecture=bundling.ARCHITECTURE,
        handler="lambdas.resync.handler",
        code=bundling.function_code("resync"),
        layers=layers,
    )
    template = Template.from_stack(stack)
    template.all_resources_properties(
        "AWS::Lambda::LayerVersion",
        {"CompatibleRuntimes": ["python3.13"], "CompatibleArchitectures": ["arm64"]},
    )
    template.resource_count_is("AWS::Lambda::LayerVersion", 2)
    uploaded = {path.stat().st_size for path in tmp_path.glob("asset.*.zip")}
    assert uploaded == {asset.archive().stat().st_size for asset in (dependencies(), package(), handler("resync"))}


@needs_node
def test_a_synthesis_that_bundles_nothing_makes_no_archive(checkout: Path) -> None:
    from aws_cdk import App, Stack

    from stacks import bundling

    stack = Stack(App(context={"aws:cdk:bundling-stacks": []}), "Test")
    bundling.dependencies_layer(stack)
    bundling.package_layer(stack)
    assert not (checkout / "build").exists()


@needs_node
def test_a_machine_without_lambdas_python_is_told_what_a_cold_start_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    from aws_cdk import App, Stack
    from aws_cdk.assertions import Annotations, Match

    from stacks import bundling

    monkeypatch.setattr(bundling, "compiler", lambda version: None)
    stack = Stack(App(), "Test")
    bundling.package_layer(stack)
    told = Match.string_like_regexp("every cold start takes about twice as long: install python3.13")
    Annotations.from_stack(stack).has_warning("/Test", told)

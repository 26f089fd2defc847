"""`spiderpool-aws`: the command line."""

import json
import signal
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from spiderpool_aws.cli import adopt, apply, dlq, doctor, explain, plan, policy, resync, status, verify
from spiderpool_aws.cli.cluster_map import command as cluster_map
from spiderpool_aws.cli.errors import Group, Mistake
from spiderpool_aws.cli.manifests import app as manifests
from spiderpool_aws.cli.options import OUTPUT, Output, register

app = typer.Typer(
    cls=Group,
    help="Spiderpool pools that hold what EC2 assigned to each NIC.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
local = typer.Typer(help="The parts of the embedded default, as servers on loopback.", no_args_is_help=True)
app.add_typer(dlq.app, name="dlq")
app.add_typer(local, name="local")
app.add_typer(manifests, name="manifests")
app.add_typer(policy.app, name="policy")
for command in (plan, apply, resync, status, explain, doctor, adopt, verify):
    register(app, command.__name__.rpartition(".")[2], command.run)
register(app, "map", cluster_map.run)

Port = Annotated[int, typer.Option(help="The port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)]


@app.command()
def demo(
    output: OUTPUT = Output.TABLE,
    map_file: Annotated[
        Path | None, typer.Option("--map", help="Write a map of the cluster, as it is at the end, to this HTML file.")
    ] = None,
) -> None:
    """Run the main job on this machine: nodes launch, their NICs get addresses, their pools appear."""
    from spiderpool_aws.local.demo import run
    from spiderpool_aws.local.demo_view import show
    from spiderpool_aws.local.stack import LocalStack

    def draw(stack: LocalStack) -> None:
        if map_file is not None:
            from spiderpool_aws.cli.demo_world import world_of

            cluster_map.write_page(world_of(stack), map_file)

    if map_file is not None:
        # Said before the demo has run, not after it.
        if not map_file.absolute().parent.is_dir():
            raise Mistake(f"--map {map_file}: there is no such folder")
        if map_file.is_dir():
            raise Mistake(f"--map {map_file} is a folder: give a file in it")
    if output is Output.JSON:
        print(json.dumps(run(at_end=draw).to_document(), indent=2))
        return
    show(at_end=draw)
    if map_file is not None:
        print(f"A map of the cluster, to open in a browser: {map_file.absolute().as_uri()}")


@local.command()
def aws(port: Port = 5000, output: OUTPUT = Output.TABLE) -> None:
    """Serve AWS: EC2's networking by the strict model, every other service by moto."""
    from spiderpool_aws.local.clock import WallClock
    from spiderpool_aws.local.ec2 import Ec2Model
    from spiderpool_aws.local.ec2.moto_server import serve_aws

    model = Ec2Model(WallClock())
    try:
        server = serve_aws(port, model)
    except OSError as error:
        raise _taken(port, error) from error
    # Both names of the region: the SDKs read the one, the AWS CLI and boto3 the other.
    environment = {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_DEFAULT_REGION": model.region,
        "AWS_REGION": model.region,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
    exported = "export " + " ".join(f"{name}={value}" for name, value in environment.items())
    print(json.dumps(environment) if output is Output.JSON else exported, flush=True)
    _until_interrupted()
    server.stop()


@local.command()
def cluster(port: Port = 6443, output: OUTPUT = Output.TABLE) -> None:
    """Serve the double of the API server with Spiderpool's admission rules."""
    from spiderpool_aws.local.clock import WallClock
    from spiderpool_aws.local.cluster import ClusterDouble, serve_cluster

    try:
        server = serve_cluster(ClusterDouble(WallClock()), port)
    except OSError as error:
        raise _taken(port, error) from error
    told = {"url": server.url, "token": server.token, "ca": str(server.ca_file)}
    lines = "\n".join(f"{name}: {value}" for name, value in told.items())
    print(json.dumps(told) if output is Output.JSON else lines, flush=True)
    _until_interrupted()
    server.stop()


def _taken(port: int, error: OSError) -> typer.BadParameter:
    said = f"port {port} cannot be used ({error.strerror}): choose another, or 0 for a free one"
    return typer.BadParameter(said, param_hint="--port")


def _until_interrupted() -> None:
    stop = Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda *_: stop.set())
    stop.wait()

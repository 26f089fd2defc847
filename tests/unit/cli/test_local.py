"""`spiderpool-aws local …`, as processes."""

import json
import shlex
import signal
import socket
import subprocess
import sys

import boto3
import pytest

RUN = "from spiderpool_aws.cli.main import app; app()"


def command(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", RUN, "local", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("part", ["aws", "cluster"])
def test_a_taken_port_is_said_and_not_traced(part: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = command(part, "--port", str(port))
        printed, said = process.communicate(timeout=60)
    assert (process.returncode, printed) == (1, "")
    assert f"port {port} cannot be used" in said
    assert "Invalid value for --port" in said
    assert "Traceback" not in said


def test_what_local_aws_prints_is_what_a_shell_exports_and_a_client_needs() -> None:
    process = command("aws", "--port", "0")
    assert process.stdout is not None
    exported, *assignments = shlex.split(process.stdout.readline())
    environment = dict(assignment.split("=", 1) for assignment in assignments)
    assert exported == "export"
    assert environment["AWS_DEFAULT_REGION"] == environment["AWS_REGION"]
    client = boto3.client(
        "ec2",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_DEFAULT_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    assert client.describe_instances()["Reservations"] == []
    client.close()
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "")


def test_json_of_local_aws_is_the_environment_that_a_client_needs() -> None:
    exported, printed = command("aws", "--port", "0"), command("aws", "--port", "0", "--output", "json")
    assert exported.stdout is not None
    assert printed.stdout is not None
    names = {assignment.split("=")[0] for assignment in shlex.split(exported.stdout.readline())[1:]}
    assert set(json.loads(printed.stdout.readline())) == names
    for process in (exported, printed):
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)

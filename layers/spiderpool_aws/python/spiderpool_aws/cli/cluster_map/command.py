"""`spiderpool-aws map`: the cluster as a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spiderpool_aws.cli.cluster_map.model import map_document
from spiderpool_aws.cli.cluster_map.page import page
from spiderpool_aws.cli.cluster_map.svg import svg_of
from spiderpool_aws.cli.connect import Where, connected
from spiderpool_aws.cli.errors import Mistake
from spiderpool_aws.cli.options import OUTPUT, Output
from spiderpool_aws.cli.reading import read

if TYPE_CHECKING:
    from spiderpool_aws.cli.world import World

STANDARD_OUTPUT = Path("-")


def run(
    where: Where,
    file: Annotated[
        Path | None,
        typer.Argument(
            help="Where to write it; - is standard output. Default: spiderpool-aws-CLUSTER.html (or .svg) in this "
            "folder, and standard output for JSON."
        ),
    ] = None,
    svg: Annotated[bool, typer.Option("--svg", help="A static picture for documents instead of the page.")] = False,
    output: OUTPUT = Output.TABLE,
) -> None:
    """Draw VPC, zones, subnets, nodes, NICs and addresses as one HTML page that can be searched, offline.

    With JSON: what the page shows, as data.
    """
    if svg and output is Output.JSON:
        raise Mistake("--svg is a picture and --output json is data: give one of them")
    with connected(where) as world:
        document = map_document(read(world))
    if output is Output.JSON:
        text, path = json.dumps(document, indent=2) + "\n", file or STANDARD_OUTPUT
    else:
        text = svg_of(document) if svg else page(document)
        path = file or Path(f"spiderpool-aws-{document['cluster']}.{'svg' if svg else 'html'}")
    if path == STANDARD_OUTPUT:
        print(text, end="")
    else:
        print(f"The map of {document['cluster']} is in {written(path, text).as_uri()}")


def write_page(world: World, path: Path) -> Path:
    """Write the page of a world as it is; return its whole path. Raises Mistake when it cannot be written."""
    return written(path, page(map_document(read(world))))


def written(path: Path, text: str) -> Path:
    """Write a file and return its whole path. Raises Mistake when it cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Mistake(f"{path} cannot be written ({error.strerror}): give another FILE, or - to print it") from error
    return path.absolute()

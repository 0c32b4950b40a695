"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_ADDRESS = "127.0.0.1:50051"


def checked_address(text: str | None) -> str | None:
    """Return `text` if it can be an address; gRPC would take anything for a host's name."""
    if text is None or text.startswith("unix:"):
        return text
    host, _, port = text.rpartition(":")
    if host.startswith(("http:", "https:")):
        expected = "a URL, expected host:port: leave out the scheme"
    elif not (host and port.isascii() and port.isdigit()):
        expected = f"expected host:port, such as {DEFAULT_ADDRESS}"
    elif int(port) > 65535:
        expected = "expected a port up to 65535"
    else:
        return text
    raise typer.BadParameter(f"{text!r}, {expected}")


Address = Annotated[
    str, typer.Option(help="Where the server listens, host:port.", callback=checked_address)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
Timeout = Annotated[float, typer.Option(help="Seconds to wait for an answer.", min=0.001)]
ImageFile = Annotated[
    Path, typer.Argument(metavar="IMAGE", help="An image file.", exists=True, dir_okay=False)
]
SomeAddress = Annotated[
    str | None,
    typer.Option(
        help="Where the server listens, host:port.",
        callback=checked_address,
        show_default=DEFAULT_ADDRESS,
    ),
]
Local = Annotated[bool, typer.Option("--local", help="Ask no server: load photo-lite right here.")]


def place(address: str | None, local: bool) -> str:
    """Where to ask, of `SomeAddress` and `Local`, of which only one may be given."""
    if local and address:
        raise typer.BadParameter("asks no server, leave out --address", param_hint="--local")
    return address or DEFAULT_ADDRESS

"""Options that several commands share."""

from typing import Annotated

import typer

DEFAULT_ADDRESS = "127.0.0.1:50051"

Address = Annotated[str, typer.Option(help="Where the server listens, host:port.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
Timeout = Annotated[float, typer.Option(help="Seconds to wait for an answer.", min=0.001)]

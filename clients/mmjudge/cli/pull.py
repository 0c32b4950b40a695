"""`mmjudge pull`: fetch what judges are made of, for machines that reach no model hub."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.filesize import decimal
from rich.text import Text

from mmjudge.cli.logs import quiet_libraries
from mmjudge.cli.options import Json
from mmjudge.cli.progress import progress
from mmjudge.cli.serve import missing_extra
from mmjudge.cli.terminal import out, print_json, reported

if TYPE_CHECKING:
    from mmjudge.server.pulling import PulledFile


def pull(
    judge: Annotated[
        list[str] | None,
        typer.Argument(metavar="[JUDGE]...", help="Judges of --config, or kinds; all of a file."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="TOML file, as `mmjudge serve` takes.", exists=True, dir_okay=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Fetch and check the files that judges are loaded from, so that they load without a network.

    They go where loading looks for them: HF_HOME says where the model hub's are kept.
    """
    names = list(dict.fromkeys(judge or []))
    if not names and config is None:
        raise typer.BadParameter(
            "none, expected kinds such as pickscore, or a file with judges as --config FILE",
            param_hint="JUDGE",
        )
    with reported(), progress("starting") as shown:
        quiet_libraries()
        try:
            # Seconds of imports, which no other command needs.
            from mmjudge.server.pulling import judges_to_pull
            from mmjudge.server.pulling import pull as pulled_files
        except ImportError as error:
            raise missing_extra(error) from error
        pulled: list[PulledFile] = []
        judges = judges_to_pull(config, names)
        for one in judges:
            shown.say(f"fetching the files of {one.name}")
            pulled += pulled_files(one)
    if json:
        for file in pulled:
            print_json(asdict(file))
        return
    for file in pulled:
        out.print(_line(file), soft_wrap=True)
    sizes = {file.path: file.bytes for file in pulled}  # judges may share files
    out.print(
        Text(
            f"{len(sizes)} files of {decimal(sum(sizes.values()))} are here for "
            f"{', '.join(one.name for one in judges)}.\nOn a machine without a network, with this "
            f"cache: HF_HUB_OFFLINE=1 mmjudge serve {config or 'judges.toml'}"
        ),
        soft_wrap=True,
    )


def _line(file: "PulledFile") -> Text:
    source = f"{file.source} at {file.revision}" if file.revision else file.source
    against = {"sha256": "as it must be", "git": "the hub's etag checked"}
    return Text.assemble(
        (file.judge, "bold"),
        f": {file.file} of {source}, {decimal(file.bytes)}, sha256 {file.sha256}, ",
        (against.get(file.checked, "checked against nothing"), "" if file.checked else "yellow"),
    )

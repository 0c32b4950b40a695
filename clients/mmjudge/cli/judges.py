"""`mmjudge judges`: what a server hosts."""

from dataclasses import asdict

from rich.table import Table
from rich.text import Text

from mmjudge.cli.options import DEFAULT_ADDRESS, Address, Json, Timeout
from mmjudge.cli.progress import progress
from mmjudge.cli.terminal import out, print_json, reported
from mmjudge.client import Client, JudgeInfo


def judges(address: Address = DEFAULT_ADDRESS, timeout: Timeout = 10.0, json: Json = False) -> None:
    """List the judges a server hosts: what they compute, read and are called."""
    with reported(address), progress(f"asking {address}"):
        with Client(address, timeout=timeout) as client:
            hosted = client.list_judges().judges
    if json:
        for info in hosted.values():
            print_json(_plain(info))
        return
    table = Table("judge", "gives", "range", "what it computes")
    for info in hosted.values():
        low, high = info.range
        what = Text(info.description)
        if info.caution:
            what.append(f"\ncaution: {info.caution}", "yellow")
        table.add_row(
            Text.assemble((info.name, "bold"), f"\n{info.kind}\n", (info.fingerprint[:12], "dim")),
            "\n".join(want.name.lower() for want in info.wants),
            f"{'-inf' if low is None else f'{low:g}'} to {'inf' if high is None else f'{high:g}'}",
            what,
        )
    out.print(table)


def _plain(info: JudgeInfo) -> dict[str, object]:
    names = {
        "wants": [want.name for want in info.wants],
        "reads": [read.name for read in info.reads],
    }
    return {**asdict(info), **names}

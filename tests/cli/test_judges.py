import json
import socket

import pytest
from tests.cli.conftest import MARKED_UP, Run

from mmjudge.cli.terminal import ExitStatus
from mmjudge.client import LocalClient


def test_a_table(run: Run, address: str) -> None:
    result = run("judges", "--address", address)
    assert (result.status, result.err) == (0, "")
    for word in ("photo-lite", "clip", "score", "preference", "-1 to 1", "caution: for trying"):
        assert word in result.out


def test_json_is_what_the_client_lists(run: Run, address: str, local: LocalClient) -> None:
    result = run("judges", "--json", "--address", address)
    assert (result.status, result.err) == (0, "")
    (line,) = result.out.splitlines()
    listed, info = json.loads(line), local.list_judges().judges["photo-lite"]
    assert listed["fingerprint"] == info.fingerprint
    assert listed["provenance"] == dict(info.provenance)
    assert listed["wants"] == ["SCORE", "PREFERENCE"]
    assert listed["reads"] == [read.name for read in info.reads]
    assert listed["range"] == [-1.0, 1.0]


def test_one_object_a_line(run: Run, fakes: str) -> None:
    result = run("judges", "--json", "--address", fakes)
    names = [json.loads(line)["name"] for line in result.out.splitlines()]
    assert names == sorted(["plain", MARKED_UP, "shy", "fails", "slow"])


def test_names_and_descriptions_are_shown_as_they_are(run: Run, fakes: str) -> None:
    result = run("judges", "--address", fakes)
    assert result.status == 0
    assert MARKED_UP in result.out and "[bold]length[/]" in result.out
    assert "0 to inf" in result.out


def test_no_server(run: Run) -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        result = run("judges", "--address", where)
    assert result.status == ExitStatus.NO_ANSWER
    assert result.error.startswith(f"no answer from {where} (Connection refused): `mmjudge serve`")


def test_a_port_that_does_not_answer(run: Run) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        result = run(
            "judges", "--timeout", "0.5", "--address", f"127.0.0.1:{silent.getsockname()[1]}"
        )
    assert result.status == ExitStatus.NO_ANSWER
    assert result.error


@pytest.mark.parametrize("timeout", ["0", "-1", "soon"])
def test_a_timeout_that_is_none(run: Run, timeout: str) -> None:
    result = run("judges", "--timeout", timeout)
    assert result.status == ExitStatus.MISTAKE
    assert "--timeout" in result.error

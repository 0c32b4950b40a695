"""Mistakes in the `[http]` table are named before anything is loaded."""

from pathlib import Path
from typing import ClassVar

import pytest
from tests.server.fakes import FakeJudge, within
from tests.server.grpc_fixtures import config

from mmjudge.contract.items import Want
from mmjudge.server.config import read_config
from mmjudge.server.http.config import HttpConfig, HttpJudges, check_http, is_loopback
from mmjudge.server.serving import Server
from mmjudge.server.strict import ConfigError

JUDGES = '\n[judges.clip]\nkind = "not:loaded"\n'


def read(tmp_path: Path, table: str) -> HttpConfig:
    """Read and check a file with this `[http]` table and a judge `clip`."""
    file = tmp_path / "judges.toml"
    file.write_text(table + JUDGES)
    whole = read_config(file)
    check_http(whole.http, whole.judges)
    return whole.http


def test_it_is_off_by_default(tmp_path: Path) -> None:
    assert read(tmp_path, "") == HttpConfig()
    assert not HttpConfig().on


def test_a_protocol_with_a_judge_is_on_and_on_loopback(tmp_path: Path) -> None:
    found = read(tmp_path, '[http.judges]\nopenrlhf = "clip"\nunirl = ["clip"]')
    assert found.on and is_loopback(found.address.rpartition(":")[0])
    assert not found.allow_pickle


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('[http]\nadress = ""', "http.adress: unknown key; did you mean 'address'"),
        ('[http.judges]\nopenrlfh = "clip"', "http.judges.openrlfh: unknown key; did you mean 'op"),
        ('[http.judges]\nslime = "clp"', "http.judges.slime: no judge is called 'clp'; did you me"),
        ('[http.judges]\nunirl = ["clip", "x"]', "http.judges.unirl[1]: no judge is called 'x'"),
        ('[http.judges]\nunirl = "clip"', "http.judges.unirl: 'clip', expected an array"),
        ('[http]\naddress = "0.0.0.0:1"', "http.judges: names no judge"),
        ("[http]\nallow_pickle = true", "http.judges: names no judge"),
        ('[http]\naddress = "8000"\njudges.slime = "clip"', "http.address: '8000', expected host"),
        ('[http]\naddress = ":1"\njudges.slime = "clip"', "http.address: ':1', expected host"),
        ('[http]\naddress = "a:99999"\njudges.slime = "clip"', "http.address: 'a:99999'"),
        ('[http]\ntimeout = 0\njudges.slime = "clip"', "http.timeout: 0.0, expected seconds"),
        ('[http]\nend_of_text = [""]\njudges.slime = "clip"', "http.end_of_text: holds an empty"),
        (
            '[http]\nopenrlhf_candidate = "all"\njudges.slime = "clip"',
            "http.openrlhf_candidate: 'all', expected one of 'response', 'query'",
        ),
        ('[http.judges]\npickle = "clip"', "set http.allow_pickle = true"),
        (
            '[http]\naddress = "0.0.0.0:1"\nallow_pickle = true\njudges.pickle = "clip"',
            'set http.address = "127.0.0.1:8000"',
        ),
        (
            '[http]\naddress = "[::]:1"\nallow_pickle = true\njudges.pickle = "clip"',
            "http.allow_pickle: '[::]:1' can be reached from other machines",
        ),
        (
            '[http]\naddress = "example.org:1"\nallow_pickle = true\njudges.pickle = "clip"',
            "http.allow_pickle: 'example.org:1' can be reached",
        ),
    ],
)
def test_mistakes_are_named_with_the_fix(tmp_path: Path, table: str, told: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, table)
    assert told in str(raised.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "localhost.evil.org", "127.0.0.1.x"])
def test_other_hosts_are_known(host: str) -> None:
    assert not is_loopback(host)


class Ordering(FakeJudge):
    """A judge that puts candidates in an order and scores none."""

    wants: ClassVar[tuple[Want, ...]] = (Want.PREFERENCE,)


async def test_a_judge_that_gives_no_scores_is_told_at_the_start() -> None:
    settings = HttpConfig(address="127.0.0.1:0", judges=HttpJudges(slime="fake"))
    server = Server(config(kind=f"{__name__}:Ordering", http=settings))
    with pytest.raises(ConfigError, match="http.judges.slime: judge 'fake' gives PREFERENCE, expe"):
        await within(server.start())
    await within(server.stop(0))


async def test_a_server_checks_the_table_before_it_loads_anything(tmp_path: Path) -> None:
    file = tmp_path / "judges.toml"
    file.write_text('address = "127.0.0.1:0"\n[http.judges]\nslime = "x"' + JUDGES)
    server = Server(read_config(file))
    with pytest.raises(ConfigError, match="no judge is called 'x'"):
        await within(server.start())
    await within(server.stop(0))

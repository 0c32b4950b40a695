"""The `[http]` table: which protocols are answered, by which judges, on which address."""

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from mmjudge.contract.items import Want
from mmjudge.judges.judge import Judge
from mmjudge.server.strict import ConfigError, nearest


@dataclass(frozen=True, slots=True)
class HttpJudges:
    """The hosted judge that answers each protocol; a protocol without one is off.

    unirl: the judges a request may name in `required_rewards`, by their own names.
    pickle: needs `allow_pickle`, too.
    """

    openrlhf: str = ""
    slime: str = ""
    unirl: tuple[str, ...] = ()
    verl: str = ""
    flow_factory: str = ""
    pickle: str = ""


@dataclass(frozen=True, slots=True)
class HttpConfig:
    """What is answered over HTTP: nothing, unless a protocol has a judge.

    address: host:port; port 0 takes a free one, empty is off.
    judges: who answers which protocol.
    allow_pickle: read pickled requests (a restricted set of them), on loopback only.
    timeout: seconds a request may take, because these protocols carry no deadline.
    openrlhf_candidate: judge the response, which is the query less its prompt, or the whole query.
    end_of_text: texts cut from the end of responses, such as "<|im_end|>".
    """

    address: str = "127.0.0.1:8000"
    judges: HttpJudges = HttpJudges()
    allow_pickle: bool = False
    timeout: float = 120.0
    openrlhf_candidate: Literal["response", "query"] = "response"
    end_of_text: tuple[str, ...] = ()

    @property
    def on(self) -> bool:
        """Whether anything is answered."""
        return bool(self.address) and self.judges != HttpJudges()


def check_http(config: HttpConfig, hosted: Mapping[str, Any]) -> None:
    """Raise `ConfigError` for a table that cannot be served by the `hosted` judges."""
    if not config.on:
        if config.address and config != HttpConfig():
            raise ConfigError(
                "http.judges: names no judge, so nothing would be answered: name one by protocol, "
                f'e.g. openrlhf = "{next(iter(hosted), "clip")}", or remove the table'
            )
        return
    host, _ = host_and_port(config.address)
    for path, name in _named(config.judges):
        if name not in hosted:
            raise ConfigError(f"{path}: no judge is called {name!r}; {nearest(name, hosted)}")
    if not config.timeout > 0:
        raise ConfigError(f"http.timeout: {config.timeout}, expected seconds above 0")
    if "" in config.end_of_text:
        raise ConfigError("http.end_of_text: holds an empty text, expected texts to cut off")
    if config.judges.pickle and not config.allow_pickle:
        raise ConfigError(
            "http.judges.pickle: reading pickles has to be allowed: set http.allow_pickle = true, "
            "and read docs/http.md on what that means"
        )
    if config.judges.pickle and not is_loopback(host):
        raise ConfigError(
            f"http.allow_pickle: {config.address!r} can be reached from other machines: "
            'set http.address = "127.0.0.1:8000" and let trainers elsewhere come through a tunnel, '
            "or use a protocol without pickles"
        )


def check_scores(config: HttpConfig, judges: Mapping[str, Judge]) -> None:
    """Raise `ConfigError` for a protocol whose judge, loaded by now, gives no scores."""
    for path, name in _named(config.judges):
        wants = judges[name].info.wants
        if Want.SCORE not in wants:
            given = ", ".join(want.name for want in wants)
            raise ConfigError(
                f"{path}: judge {name!r} gives {given}, expected one that gives SCORE"
            )


def host_and_port(address: str) -> tuple[str, int]:
    """Split `host:port` or `[host]:port`; raises `ConfigError`."""
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f"http.address: {address!r}, expected host:port with a port up to 65535")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _named(judges: HttpJudges) -> Iterator[tuple[str, str]]:
    for field in fields(judges):
        value = getattr(judges, field.name)
        if isinstance(value, tuple):
            yield from ((f"http.judges.{field.name}[{i}]", name) for i, name in enumerate(value))
        elif value:
            yield f"http.judges.{field.name}", value

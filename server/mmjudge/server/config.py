"""The server's configuration: a TOML file, read strictly."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from mmjudge.judges.judge import JudgeConfig
from mmjudge.judges.registry import KindNotFound, load_kind
from mmjudge.server.http.config import HttpConfig
from mmjudge.server.strict import ConfigError, build, nearest, typed

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """What one request may hold; larger ones are refused, and clients split by it."""

    max_message_bytes: int = 64 * MIB
    max_items: int = 4096
    max_candidates: int = 256
    max_text_bytes: int = MIB


@dataclass(frozen=True, slots=True)
class QueueConfig:
    """How much work is admitted before callers are told to come back later."""

    max_pending_items: int = 16384
    max_pending_bytes: int = 1024 * MIB


@dataclass(frozen=True, slots=True)
class CacheConfig:
    """How much is kept: computed features, and files that items may name by digest."""

    feature_bytes: int = 1024 * MIB
    image_bytes: int = 256 * MIB


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Everything a server is told.

    address: host:port; port 0 takes a free one.
    metrics_address: host:port where Prometheus may ask; empty for nowhere.
    grace: seconds that running requests get at shutdown.
    prepare_threads: threads that decode and tokenize; 0 for one a core.
    image_roots: folders whose files `uri` images may name; none by default.
    http: training frameworks' own protocols beside gRPC; off by default.
    backbones: tables of backbone settings that judges refer to by name.
    judges: tables of a kind, its backbone's settings (or a backbone's name) and its options.
    """

    address: str = "127.0.0.1:50051"
    metrics_address: str = ""
    grace: float = 30.0
    prepare_threads: int = 0
    image_roots: tuple[str, ...] = ()
    limits: LimitsConfig = LimitsConfig()
    queue: QueueConfig = QueueConfig()
    cache: CacheConfig = CacheConfig()
    http: HttpConfig = HttpConfig()
    backbones: dict[str, dict[str, Any]] = field(default_factory=dict)
    judges: dict[str, dict[str, Any]] = field(default_factory=dict)


DEFAULT_JUDGES = {"photo-lite": {"kind": "clip", "model": "photo-lite"}}


def read_config(path: Path) -> ServerConfig:
    """Read a TOML file; raises `ConfigError` naming file and key, or OSError."""
    try:
        return build(ServerConfig, tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def judge_configs(config: ServerConfig) -> list[JudgeConfig]:
    """Read the judges' tables, importing their kinds; raises `ConfigError` or `KindNotLoadable`."""
    return [_judge_config(name, table, config.backbones) for name, table in config.judges.items()]


def _judge_config(
    name: str, table: Mapping[str, Any], backbones: Mapping[str, Mapping[str, Any]]
) -> JudgeConfig:
    path = f"judges.{name}"
    rest = dict(table)
    kind_name = rest.pop("kind", None)
    if not isinstance(kind_name, str):
        raise ConfigError(f"{path}.kind: {kind_name!r}, expected the name of a kind, e.g. 'clip'")
    try:
        kind = load_kind(kind_name)
    except KindNotFound as error:
        raise ConfigError(f"{path}.kind: {error}") from error
    settings = {f.name for f in fields(kind.Backbone)}
    known = dict.fromkeys([f.name for f in fields(kind.Options)] + [*settings, "kind", "backbone"])
    for key in rest:
        if key not in known:
            raise ConfigError(f"{path}.{key}: unknown key; {nearest(key, known)}")
    inline = {key: rest.pop(key) for key in list(rest) if key in settings}
    if "backbone" in rest:
        named = rest.pop("backbone")
        if not isinstance(named, str):
            raise ConfigError(f"{path}.backbone: {named!r}, expected the name of a backbones table")
        if named not in backbones:
            raise ConfigError(f"{path}.backbone: {named!r}; {nearest(named, backbones)}")
        if inline:
            raise ConfigError(
                f"{path}: {', '.join(inline)} belong into backbones.{named}, which it refers to"
            )
        backbone = build(kind.Backbone, backbones[named], f"backbones.{named}")
    else:
        backbone = build(kind.Backbone, inline, path)
    for key, hint in get_type_hints(kind.Options).items():
        if hint is JudgeConfig and key in rest:
            rest[key] = _judge_within(f"{name}.{key}", rest[key], backbones)
        elif hint == dict[str, JudgeConfig] and key in rest:
            rest[key] = _judges_within(f"{name}.{key}", rest[key], backbones)
    return JudgeConfig(name, kind, backbone, build(kind.Options, rest, path))


def _judge_within(name: str, table: Any, backbones: Mapping[str, Mapping[str, Any]]) -> JudgeConfig:
    return _judge_config(name, typed(table, dict, f"judges.{name}"), backbones)


def _judges_within(
    name: str, tables: Any, backbones: Mapping[str, Mapping[str, Any]]
) -> dict[str, JudgeConfig]:
    return {
        part: _judge_within(f"{name}.{part}", table, backbones)
        for part, table in typed(tables, dict, f"judges.{name}").items()
    }

"""Fetching what judges are made of, and checking it, for machines that reach no model hub."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmjudge.judges.backbones.file_digests import check_file
from mmjudge.judges.backbones.model_files import hub_place
from mmjudge.judges.judge import JudgeConfig
from mmjudge.judges.judge_files import judge_files
from mmjudge.judges.registry import KindNotFound, load_kind
from mmjudge.server.config import ServerConfig, judge_configs, read_config
from mmjudge.server.strict import ConfigError, nearest


@dataclass(frozen=True, slots=True)
class PulledFile:
    """A file that a judge is loaded from, here and checked.

    source: ORG/NAME of a hub, or the folder it lies in.
    revision: commit of a hub's file; empty for any other.
    checked: against what its content was: `sha256`; `git`, the hub's SHA-1 of a small file; or ''
    for a file whose digest nobody tells.
    """

    judge: str
    file: str
    source: str
    revision: str
    bytes: int
    sha256: str
    checked: str
    path: str


def judges_to_pull(config: Path | None, names: Sequence[str]) -> list[JudgeConfig]:
    """The judges of a configuration, or those of them that are named; or kinds by their names.

    Raises `ConfigError`, with the nearest right name for one that is none.
    """
    if config is None:
        for name in names:
            try:
                load_kind(name)
            except KindNotFound as error:
                raise ConfigError(f"{error}; --config FILE has judges of other names") from error
        kinds = {name: {"kind": name} for name in names}
        return judge_configs(ServerConfig(judges=kinds))
    settings = read_config(config)
    for name in names:
        if name not in settings.judges:
            raise ConfigError(
                f"{config}: judges.{name}: there is no such judge; {nearest(name, settings.judges)}"
            )
    wanted = {name: settings.judges[name] for name in names or settings.judges}
    return judge_configs(replace(settings, judges=wanted))


def pull(judge: JudgeConfig) -> Iterator[PulledFile]:
    """Fetch a judge's files where they are not here yet, and check each.

    Raises `NotPulled` for what cannot be had, `BackboneUnavailable` for another content.
    """
    for path, sha256 in judge_files(judge):
        checked = check_file(path, sha256)
        place = hub_place(path)
        yield PulledFile(
            judge.name,
            place.file if place else path.name,
            place.repository if place else str(path.parent),
            place.commit if place else "",
            path.stat().st_size,
            checked.sha256,
            checked.against,
            str(path),
        )

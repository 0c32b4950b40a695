"""Fetching the files that a judge is loaded from, without loading it."""

from mmjudge.contract.errors import SetupError
from mmjudge.judges.backbones.model_files import ModelFile
from mmjudge.judges.judge import JudgeConfig


class NotPulled(SetupError, ValueError):
    """A judge's files cannot be had here; says whose, and why."""


def judge_files(config: JudgeConfig) -> list[ModelFile]:
    """Fetch what constructing the judge reads, where it is not here yet.

    Raises `NotPulled`, which begins with the judge's section.
    """
    where = f"judges.{config.name}"
    fetch = getattr(config.kind, "files", None)
    if fetch is None:
        raise NotPulled(
            f"{where}: kind {config.kind.__name__} does not say which files it loads (a static "
            "method `files`): start a server with it once, which fetches them"
        )
    try:
        files: list[ModelFile] = fetch(config.options, config.backbone)
    except NotPulled:
        raise  # of a part, whose name says the section it is in
    except (SetupError, ValueError) as error:
        raise NotPulled(f"{where}: {error}") from error
    return list(dict.fromkeys(files))

"""Files of a model, from a folder or from a model hub."""

import json
from pathlib import Path
from typing import Any

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.published import commit_of


class ModelFiles:
    """Files of a folder, or of a hub's ORG/NAME at a commit; fetched where needed.

    what: the name, with the revision asked for, for messages.
    source: `revision`, for the loaders of transformers; empty for a folder or the newest.
    """

    def __init__(self, name: str, revision: str = "") -> None:
        """`revision` as `commit_of` takes it; raises `BackboneUnavailable` for a folder's."""
        self.name = name
        self.what = f"{name} at revision {revision}" if revision else name
        local = Path(name).is_dir()
        if local and revision:
            raise BackboneUnavailable(f"{self.what}: a folder has no revisions")
        commit = "" if local else commit_of(name, revision)
        self.source: dict[str, Any] = {"revision": commit} if commit else {}

    def find(self, file: str) -> Path | None:
        """Path of a file, None if there is none within reach.

        Raises `BackboneUnavailable`: no such model or revision, a hub that refuses.
        """
        found = self._look_for(file)
        return found if isinstance(found, Path) else None

    def need(self, *files: str) -> Path:
        """Path of the first of `files` that there is; raises as `find`, or if there is none."""
        reasons = []
        for file in files:
            found = self._look_for(file)
            if isinstance(found, Path):
                return found
            reasons.append(_line(found))
        raise BackboneUnavailable(
            f"{self.what}: no {' or '.join(files)} ({reasons[0]}); expected a hub's ORG/NAME that "
            "can be reached, or a folder"
        )

    def _look_for(self, file: str) -> Path | Exception:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError

        if Path(self.name).is_dir():
            path = Path(self.name, file)
            return path if path.is_file() else FileNotFoundError("no such file in that folder")
        try:
            return Path(hf_hub_download(self.name, file, **self.source))
        except EntryNotFoundError as error:
            return error  # also when the hub does not answer and the file was never fetched
        except (OSError, ValueError) as error:
            raise unavailable(self.what, error) from error


def model_files(place: str) -> ModelFiles:
    """Files of a folder, ORG/NAME or ORG/NAME@COMMIT."""
    if Path(place).is_dir():
        return ModelFiles(place)
    name, _, revision = place.partition("@")
    return ModelFiles(name, revision)


def read_json(path: Path) -> dict[str, Any]:
    """An object of a JSON file; raises `BackboneUnavailable` if it holds none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BackboneUnavailable(f"{path}: no JSON ({error})") from error
    if not isinstance(value, dict):
        raise BackboneUnavailable(f"{path}: expected a JSON object, found {type(value).__name__}")
    return value


def unavailable(what: str, error: Exception) -> BackboneUnavailable:
    """The error of a library that failed to load `what`, in one line, with the way around it."""
    return BackboneUnavailable(
        f"{what}: {type(error).__name__}: {_line(error)}; a folder with its files needs no model "
        "hub"
    )


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:600]

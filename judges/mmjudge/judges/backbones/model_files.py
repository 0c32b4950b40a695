"""Files of models: in a folder, on a model hub or at a URL; fetched once, and kept in its cache."""

import json
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import torch

from mmjudge.judges.backbones.errors import PULL, BackboneUnavailable, unavailable
from mmjudge.judges.backbones.published import commit_of

FOLDER = "a folder with its files needs no model hub"
FILE = "fetch it elsewhere and configure its path"
COMMIT = re.compile(r"[0-9a-f]{40}")
HTTP = ("httpx", "httpx2")  # what huggingface_hub talks through, depending on its version


class ModelFile(NamedTuple):
    """A file that a model is made of, on this machine, and the SHA-256 it must have; empty: any."""

    path: Path
    sha256: str = ""


class _Absent(NamedTuple):
    """Where a file is not, and whether a hub that could be reached might have it."""

    where: str
    out_of_reach: bool = False


class ModelFiles:
    """Files of a folder, or of a hub's ORG/NAME at a commit; fetched where needed.

    what: the name, with the revision asked for, for messages.
    instead: a clause for messages on how to do without the hub.
    hint: one on what to do without the files; empty for none.
    """

    def __init__(self, name: str, revision: str = "", instead: str = FOLDER) -> None:
        """`revision` as `commit_of` takes it; raises `BackboneUnavailable` for a folder's."""
        self.what = f"{name} at revision {revision}" if revision else name
        self.instead, self.hint = instead, ""
        self._name, self._local = name, Path(name).is_dir()
        if self._local and revision:
            raise BackboneUnavailable(f"{self.what}: a folder has no revisions")
        self._revision = "" if self._local else commit_of(name, revision)

    def find(self, *files: str) -> list[Path]:
        """Paths of those of `files` that there are within reach.

        Raises `BackboneUnavailable`: no such model or revision, a hub that refuses.
        """
        return [found for file in files if isinstance(found := self._look_for(file), Path)]

    def need(self, *files: str) -> Path:
        """Path of the first of `files` that there is; raises as `find`, or if there is none."""
        absent = []
        for file in files:
            found = self._look_for(file)
            if isinstance(found, Path):
                return found
            absent.append(found)
        told = [f"{self.what}: no {' or '.join(files)} {absent[0].where}", self.hint]
        if not self._local:
            told += ["expected a hub's ORG/NAME that can be reached, or a folder", self.instead]
        if any(one.out_of_reach for one in absent):
            told.append(PULL)
        raise BackboneUnavailable("; ".join(filter(None, told)))

    def _look_for(self, file: str) -> "Path | _Absent":
        if self._local:
            path = Path(self._name, file)
            return path if path.is_file() else _Absent("in that folder")
        from huggingface_hub import _CACHED_NO_EXIST, hf_hub_download, try_to_load_from_cache
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

        if COMMIT.fullmatch(self._revision):  # of which what is not there never will be
            known = try_to_load_from_cache(self._name, file, revision=self._revision)
            if known is _CACHED_NO_EXIST:
                return _Absent("at that commit")
        # A connection lost on the way is an error of its own there.
        broken = [sys.modules[name].TransportError for name in HTTP if name in sys.modules]
        try:
            found = Path(hf_hub_download(self._name, file, revision=self._revision or None))
        except EntryNotFoundError as error:
            # Also when the hub does not answer and the file was never fetched.
            reason = " ".join(str(error).split())[:600]
            return _Absent(f"({reason})", isinstance(error, LocalEntryNotFoundError))
        except (OSError, RuntimeError, ValueError, *broken) as error:
            raise unavailable(self.what, error, self.instead) from error
        if (place := hub_place(found)) and self._revision in ("", "main"):
            self._revision = place.commit  # so that all files are of one
        return found


class HubPlace(NamedTuple):
    """What a file in huggingface_hub's cache is a copy of."""

    repository: str
    commit: str
    file: str


def hub_place(path: Path) -> HubPlace | None:
    """What a path in huggingface_hub's cache is a copy of; None for any other path."""
    for folder in path.parents:
        if folder.parent.name == "snapshots" and COMMIT.fullmatch(folder.name):
            repository = folder.parent.parent.name.removeprefix("models--").replace("--", "/")
            return HubPlace(repository, folder.name, path.relative_to(folder).as_posix())
    return None


def model_files(place: str, instead: str = FOLDER) -> ModelFiles:
    """Files of a folder, ORG/NAME or ORG/NAME@COMMIT."""
    if Path(place).is_dir():
        return ModelFiles(place, "", instead)
    name, _, revision = place.partition("@")
    return ModelFiles(name, revision, instead)


def fetch_url(url: str, sha256: str, name: str = "") -> Path:
    """What `url` names, in torch.hub's folder of checkpoints; a file there is not fetched again.

    `name` is what the file is called there; empty for the end of the URL.

    Raises `BackboneUnavailable` when it does not come, or comes with another digest.
    """
    path = Path(torch.hub.get_dir(), "checkpoints", name or unquote(url.rpartition("/")[2]))
    if path.is_file():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), hash_prefix=sha256, progress=False)
    except (OSError, RuntimeError) as error:
        raise unavailable(url, error, FILE) from error
    return path


def read_json(path: Path) -> dict[str, Any]:
    """An object of a JSON file; raises `BackboneUnavailable` if it holds none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BackboneUnavailable(f"{path}: no JSON ({error})") from error
    if not isinstance(value, dict):
        raise BackboneUnavailable(f"{path}: expected a JSON object, found {type(value).__name__}")
    return value

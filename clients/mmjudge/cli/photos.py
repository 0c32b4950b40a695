"""Photographs with captions: the examples, or a user's own folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mmjudge.client import Candidate, Client, EncodedImage, Item, Verdict, Verdicts


class Photo(NamedTuple):
    """A photograph's file and its true caption."""

    file: Path
    caption: str


def example_photos() -> Path:
    """The folder of example photographs: inside the wheel, or in the source tree."""
    here = Path(__file__).resolve()
    for folder in (here.parent / "photos", here.parents[3] / "examples" / "photos"):
        if folder.is_dir():
            return folder
    raise ValueError("the example photographs are not installed; name a folder: --photos")


def read_photos(folder: Path) -> list[Photo]:
    """Read the folder's captions.json: a list of {"file": ..., "caption": ...}.

    Raises ValueError for anything else, OSError for what cannot be read.
    """
    path = folder / "captions.json"
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ValueError(f"{path}: there is none, expected photographs and this file") from error
    except ValueError as error:
        raise ValueError(f"{path}: not JSON: {error}") from error
    expected = 'expected a list of {"file": "cat.png", "caption": "a cat"}'
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{path}: {expected}")
    photos = []
    for index, entry in enumerate(entries):
        match entry:
            case {"file": str(file), "caption": str(caption)}:
                photos.append(Photo(folder / file, caption))
            case _:
                raise ValueError(f"{path}: entry {index} is {entry!r}, {expected}")
    return photos


def score_photos(
    client: Client, judge: str | None, photos: list[Photo], step: Callable[[], None]
) -> Verdicts:
    """Judge every photograph with all captions; calls `step` after each.

    Raises as `Client.judge`, and OSError for a photograph that cannot be read.
    """
    candidates = [Candidate([photo.caption]) for photo in photos]
    items = [
        Item([EncodedImage(photo.file.read_bytes())], candidates, id=photo.file.name)
        for photo in photos
    ]
    found: dict[int, Verdict] = {}
    name = ""
    for index, name, verdict in client.stream(items, judges=judge):  # noqa: B007 - one judge
        found[index] = verdict
        step()
    verdicts = Verdicts(
        judge=name,
        fingerprint=client.list_judges().judges[name].fingerprint,
        verdicts=tuple(found[index] for index in range(len(items))),
        item_ids=tuple(item.id for item in items),
        candidate_counts=tuple(len(item.candidates) for item in items),
    )
    return verdicts.check()

"""Which tokens of an encoder's a unit became: by offsets and by prefixes."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.judges.test_clip import WORDS, ColourTower
from tests.judges.tiny_models import PHRASES

from mmjudge.judges.backbones.cleaned_text import characters_before_cleaning
from mmjudge.judges.backbones.open_clip_tower import load_open_clip_tower
from mmjudge.judges.backbones.photo_lite import PhotoLite
from mmjudge.judges.backbones.token_location import locate_units
from mmjudge.judges.backbones.tower import Locating, Tower
from mmjudge.judges.backbones.transformers_architectures import SiglipTower
from mmjudge.judges.backbones.transformers_tower import load_transformers_tower
from mmjudge.judges.segmentation import segments

CPU = torch.device("cpu")
TEXTS = [
    *PHRASES,
    "  Two\n\ndogs,  the well-known CAT's toy (3.5 kg)... ",
    "Naïve CAFÉ — 50% off!! 日本語 🚀 e\u0301cole",
    "القطة على الطاولة",
    "don't <|endoftext|> [SEP] </w> stop",
]


@cache
def photo_lite() -> PhotoLite:
    return PhotoLite(CPU, torch.float32)


@pytest.fixture(params=["photo-lite", "clip", "siglip", "open_clip", "open_clip_siglip"])
def tower(request: pytest.FixtureRequest) -> Tower:
    if request.param == "photo-lite":
        return photo_lite()
    folder: Path = request.getfixturevalue(f"{request.param}_folder")
    if request.param.startswith("open_clip"):
        return load_open_clip_tower(f"local-dir:{folder}", "", CPU, torch.float32)
    return load_transformers_tower(str(folder), "", CPU, torch.float32)


class Unlocated:
    """A tower that does not say where its tokens are."""

    def __init__(self, tower: Tower) -> None:
        self.tokenize = tower.tokenize


def words(text: str) -> list[tuple[int, int]]:
    return [segment[:2] for segment in segments(text) if segment.kind in ("word", "stop")]


def test_offsets_are_one_a_token_and_in_order(tower: Tower) -> None:
    assert isinstance(tower, Locating)
    for text in TEXTS:
        offsets = tower.locate(text)
        if offsets is None:
            continue
        assert len(offsets) == len(tower.tokenize(text)), text
        filled = [(start, end) for start, end in offsets if start < end]
        assert all(0 <= start < end <= len(text) for start, end in filled)
        assert filled == sorted(filled)
    assert tower.locate(TEXTS[0]) is not None


def test_words_have_tokens_of_their_own_and_prefixes_agree(tower: Tower) -> None:
    text = "a photo of a tabby cat looking at two dogs"
    units = words(text)
    found = locate_units(tower, text, units)
    assert found.ids == tower.tokenize(text)
    assert all(first < last for first, last in found.tokens)
    shared = [one[1] > other[0] for one, other in zip(found.tokens, found.tokens[1:], strict=False)]
    # Gemma's tokenizer merges across spaces; that is told, and nobody else's does.
    assert any(shared) == (found.misaligned > 0) == isinstance(tower, SiglipTower)
    blind: Any = Unlocated(tower)
    by_prefixes = locate_units(blind, text, units)
    assert by_prefixes.ids == found.ids
    if by_prefixes.misaligned == 0:
        assert by_prefixes.tokens == found.tokens


@pytest.mark.parametrize("kind", ["photo-lite", "open_clip"])
def test_prefixes_find_what_offsets_say(kind: str, open_clip_folder: Path) -> None:
    tower: Tower = photo_lite()
    if kind == "open_clip":
        tower = load_open_clip_tower(f"local-dir:{open_clip_folder}", "", CPU, torch.float32)
    blind: Any = Unlocated(tower)
    for text in [*TEXTS[:6], TEXTS[7]]:
        found, again = (locate_units(one, text, words(text)) for one in (tower, blind))
        assert again == found, text


def test_a_word_is_its_tokens(open_clip_folder: Path) -> None:
    tower = load_open_clip_tower(f"local-dir:{open_clip_folder}", "", CPU, torch.float32)
    text = "An antidisestablishmentarian CAT&amp;dog: 🚀 “naïve” 日本 isn't"
    units = words(text)
    found = locate_units(tower, text, units)
    for (start, end), (first, last) in zip(units, found.tokens, strict=True):
        alone = tower.tokenize(text[start:end])[1:-1]
        if text[start:end] not in ("CAT", "amp", "dog", "日", "本"):
            assert found.ids[first:last] == alone, text[start:end]
    places = dict(zip((text[start:end] for start, end in units), found.tokens, strict=True))
    # Cleaning shortened this word: what is left of it stands for all of it.
    assert places["CAT"] == places["amp"] == places["dog"]
    # Two characters of one word are cut where their bytes meet.
    assert places["日"][1] >= places["本"][0] >= places["日"][0]


def test_a_token_made_of_two_units_is_counted() -> None:
    class Merging(ColourTower):
        """Reads "red blue" as one token."""

        def tokenize(self, text: str) -> list[int]:
            known = {"red": 20, "blue": 21, "redblue": 22}
            joined = text.replace("red blue", "redblue")
            return [1, *(known.get(word, 3) for word in joined.split()), 2]

    found = locate_units(Merging(), "x red blue y", [(0, 1), (2, 5), (6, 10), (11, 12)])
    assert found.ids == [1, 3, 22, 3, 2]
    assert found.tokens == [(1, 2), (2, 3), (2, 3), (3, 4)]
    assert found.misaligned == 2


def test_a_unit_of_which_nothing_was_kept_has_no_tokens() -> None:
    class Dropping(ColourTower):
        """Does not see exclamation marks."""

        def tokenize(self, text: str) -> list[int]:
            return super().tokenize(text.replace("!", " "))

    assert WORDS[0] == "red"
    found = locate_units(Dropping(), "red ! red", [(0, 3), (4, 5), (6, 9)])
    assert found.tokens == [(1, 2), (0, 0), (2, 3)] and found.misaligned == 0


@pytest.mark.parametrize(
    ("text", "cleaned", "origins"),
    [
        ("a B", "a b", [(0, 1), (1, 1), (2, 3)]),
        ("  a\n\nb ", "a b", [(2, 3), (3, 3), (5, 6)]),
        ("x&amp;y z", "x&y z", [(0, 7), (0, 7), (0, 7), (7, 7), (8, 9)]),
        ("a - b", "a b", None),
        ("", "", []),
    ],
)
def test_where_cleaned_characters_come_from(
    text: str, cleaned: str, origins: list[tuple[int, int]] | None
) -> None:
    assert characters_before_cleaning(text, cleaned) == origins

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from mmjudge.bench.records import PictureFile, Record, listing_digest, question
from mmjudge.contract import EncodedImage
from mmjudge.contract.wire_items import item_to_proto


@dataclass(frozen=True, slots=True)
class Held:
    """A picture in memory."""

    name: str
    data: bytes

    def read(self) -> bytes:
        return self.data


FIRST, SECOND = Held("first.png", b"no image, but bytes"), Held("second.png", b"others")
PAIR = Record(
    kind="pair",
    perspective="quality",
    subcategory="blur/motion",
    source="blur.json",
    prompt=("a cup", SECOND),
    candidates=((FIRST,), (SECOND,)),
    facts={"label": 0},
    references=(("a saucer",),),
    attributes={"category": "SA"},
)

CHANGES: list[dict[str, Any]] = [
    {"kind": "grade"},
    {"perspective": "safety"},
    {"subcategory": "blur"},
    {"source": "other.json"},
    {"prompt": ("a cup",)},
    {"prompt": ("two cups", SECOND)},
    {"prompt": (SECOND, "a cup")},
    {"candidates": ((SECOND,), (FIRST,))},
    {"candidates": ((FIRST, "a text"), (SECOND,))},
    {"candidates": ((FIRST, SECOND),)},
    {"facts": {"label": 1}},
    {"references": (("a plate",),)},
    {"attributes": {"category": "PBL"}},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_any_change_of_content_gives_another_id_and_another_listing(change: dict[str, Any]) -> None:
    changed = replace(PAIR, **change)
    assert question(changed).id != question(PAIR).id
    assert listing_digest([changed]) != listing_digest([PAIR])


def test_other_bytes_under_the_same_name_give_another_id_and_the_same_listing() -> None:
    changed = replace(PAIR, candidates=((replace(FIRST, data=b"new"),), (SECOND,)))
    assert question(changed).id != question(PAIR).id
    assert listing_digest([changed]) == listing_digest([PAIR])


def test_another_name_of_the_same_bytes_gives_the_same_id_and_another_listing() -> None:
    renamed = replace(PAIR, candidates=((replace(FIRST, name="new.png"),), (SECOND,)))
    assert question(renamed).id == question(PAIR).id
    assert listing_digest([renamed]) != listing_digest([PAIR])


def test_texts_that_are_told_apart_by_their_limits_alone_have_other_ids() -> None:
    one, two = (replace(PAIR, prompt=prompt) for prompt in (("ab", "c"), ("a", "bc")))
    assert question(one).id != question(two).id


def test_the_order_of_facts_is_no_content() -> None:
    one, two = (replace(PAIR, facts=facts) for facts in ({"a": 1, "b": 2}, {"b": 2, "a": 1}))
    assert question(one).id == question(two).id
    assert listing_digest([one]) == listing_digest([two])


def test_the_item_carries_bytes_as_they_are_stored() -> None:
    item = question(PAIR).item
    assert [candidate.parts for candidate in item.candidates] == [
        [EncodedImage(FIRST.data)],
        [EncodedImage(SECOND.data)],
    ]
    assert item.prompt == ["a cup", EncodedImage(SECOND.data)]
    assert item.references == [["a saucer"]] and item.attributes == {"category": "SA"}
    assert item.id == question(PAIR).id


def test_swapping_turns_the_candidates_and_nothing_else() -> None:
    asked = question(PAIR)
    assert [one.parts for one in asked.swapped.candidates] == [
        [EncodedImage(SECOND.data)],
        [EncodedImage(FIRST.data)],
    ]
    for name in ("prompt", "references", "attributes", "id"):
        assert getattr(asked.swapped, name) == getattr(asked.item, name)


def test_a_listing_depends_on_the_order_of_records() -> None:
    other = replace(PAIR, source="other")
    assert listing_digest([PAIR, other]) != listing_digest([other, PAIR])


def test_pictures_are_those_of_prompt_candidates_and_references() -> None:
    record = replace(PAIR, references=((FIRST, "a saucer"),))
    assert record.pictures == (SECOND, FIRST, SECOND, FIRST)
    assert record.text == "a cup"


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    gone = replace(PAIR, candidates=((PictureFile(tmp_path, "gone.png"),), (SECOND,)))
    with pytest.raises(FileNotFoundError, match="gone.png"):
        question(gone)


def test_half_a_surrogate_pair_is_sent_as_the_sign_for_what_cannot_be_read() -> None:
    halves = json.loads('["cut \\ud83d", "whole \\ud83d\\ude00"]')
    record = Record("pair", "preference", "", "p.json", (), tuple((t,) for t in halves), {})
    asked = question(record)
    sent = [candidate.parts for candidate in asked.item.candidates]
    assert sent == [["cut \ufffd"], ["whole \U0001f600"]]
    item_to_proto(asked.item)

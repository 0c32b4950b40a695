"""Samples of one prompt travel as one item, and come back to their places."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PIL

from mmjudge.contract import EncodedImage, Limits, Part, PixelImage
from mmjudge.rl import Sample
from mmjudge.rl.groups import group

RED, BLUE = (np.asarray(PIL.new("RGB", (4, 5), colour)) for colour in ("red", "blue"))
PROMPTS: list[tuple[Part, ...]] = [
    ("a",),
    ("b",),
    (PixelImage(RED), "a"),
    (PixelImage(BLUE), "a"),
    (EncodedImage(b"red"), "a"),
    (PixelImage(RED), PixelImage(BLUE), "a"),
    (),
]


@given(st.lists(st.integers(0, len(PROMPTS) - 1), min_size=1), st.integers(0, 4))
def test_groups_hold_every_sample_once_in_order(prompts: list[int], most: int) -> None:
    samples = [Sample(PROMPTS[p], (f"response {i}",)) for i, p in enumerate(prompts)]
    groups = group(samples, Limits(max_candidates=most))
    assert sorted(place for places in groups.places for place in places) == list(
        range(len(prompts))
    )
    for item, places in zip(groups.items, groups.places, strict=True):
        assert len({prompts[place] for place in places}) == 1
        assert [c.parts for c in item.candidates] == [samples[p].response for p in places]
        assert tuple(item.prompt) == PROMPTS[prompts[places[0]]]
        assert places == sorted(places)
        assert not most or len(places) <= most
    if not most:
        assert len(groups.items) == len(set(prompts))


def test_equal_pictures_of_different_objects_are_one_prompt() -> None:
    samples = [Sample((PixelImage(RED.copy()), "a"), (f"{i}",)) for i in range(3)]
    assert group(samples).places == [[0, 1, 2]]


def test_references_belong_to_the_prompt() -> None:
    samples = [Sample(("a",), ("x",), references) for references in ((), (("r",),), (("r",),))]
    groups = group(samples)
    assert groups.places == [[0], [1, 2]]
    assert groups.items[1].references == (("r",),)


def test_pictures_that_fit_no_single_message_are_cut() -> None:
    picture = PixelImage(np.zeros((256, 256, 3), np.uint8))  # 196 608 bytes
    samples = [Sample((picture, "a"), (picture,))] * 5
    limits = Limits(max_message_bytes=700_000)
    assert group(samples, limits).places == [[0, 1], [2, 3], [4]]
    assert group(samples, Limits(max_message_bytes=0)).places == [[0, 1, 2, 3, 4]]
    assert group(samples, Limits(max_message_bytes=300_000)).places == [[i] for i in range(5)]

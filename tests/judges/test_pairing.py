"""Which images and texts of an item belong together, and where in it they are."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mmjudge.contract.errors import ItemError, invalid
from mmjudge.contract.images import EncodedImage, ImageDigest, ImageUri, PixelImage
from mmjudge.contract.items import Candidate, Item, Part
from mmjudge.judges.pairing import (
    Pair,
    candidate_images,
    image_pairs,
    located,
    pairs,
    reference_texts,
)

A, B = EncodedImage(b"a"), EncodedImage(b"b")
PIXELS = PixelImage(np.zeros((1, 1, 3), np.uint8))


def item(prompt: list[Part], *candidates: list[Part]) -> Item:
    return Item(prompt, [Candidate(parts) for parts in candidates])


def refusal(it: Item) -> tuple[str, str, str]:
    with pytest.raises(ItemError) as raised:
        pairs(it)
    error = raised.value.error
    return error.reason, error.field, error.message


def test_an_image_goes_with_the_prompt_s_text() -> None:
    assert pairs(item(["a cat"], [A], [PIXELS])) == [
        Pair(A, "candidates[0].parts[0].image", "a cat", "prompt[0].text"),
        Pair(PIXELS, "candidates[1].parts[0].image", "a cat", "prompt[0].text"),
    ]


def test_a_text_goes_with_the_prompt_s_image() -> None:
    assert pairs(item([A], ["a cat"], ["a dog"])) == [
        Pair(A, "prompt[0].image", "a cat", "candidates[0].parts[0].text"),
        Pair(A, "prompt[0].image", "a dog", "candidates[1].parts[0].text"),
    ]


def test_the_prompt_s_other_parts_are_not_read() -> None:
    assert pairs(item(["describe this", A], ["a cat"]))[0] == Pair(
        A, "prompt[1].image", "a cat", "candidates[0].parts[0].text"
    )
    assert pairs(item([A, "make it blue", ImageUri("x")], [B]))[0] == Pair(
        B, "candidates[0].parts[0].image", "make it blue", "prompt[1].text"
    )


def test_candidates_of_both_sorts_may_stand_in_one_item() -> None:
    left, right = pairs(item(["a cat", A], [B], ["a dog"]))
    assert (left.image, left.text) == (B, "a cat")
    assert (right.image, right.text) == (A, "a dog")


@pytest.mark.parametrize(
    ("it", "field", "counts"),
    [
        (item([], [A]), "prompt", "0 texts, expected one"),
        (item([B], [A]), "prompt", "0 texts, expected one"),
        (item(["a", "b"], [A]), "prompt", "2 texts, expected one"),
        (item([], ["a"]), "prompt", "0 images, expected one"),
        (item(["b"], ["a"]), "prompt", "0 images, expected one"),
        (item([A, B], ["a"]), "prompt", "2 images, expected one"),
        (item(["a"], []), "candidates[0].parts", "0 images and 0 texts"),
        (item(["a"], [A, B]), "candidates[0].parts", "2 images and 0 texts"),
        (item([A], ["a", "b"]), "candidates[0].parts", "0 images and 2 texts"),
        (item(["a"], [A, "b"]), "candidates[0].parts", "1 images and 1 texts"),
        (item(["a"], [A], [A, B]), "candidates[1].parts", "2 images and 0 texts"),
    ],
)
def test_none_or_several_are_refused_on_the_side_that_has_them(
    it: Item, field: str, counts: str
) -> None:
    reason, where, message = refusal(it)
    assert (reason, where) == ("PAIR_EXPECTED", field)
    assert counts in message


@pytest.mark.parametrize("image", [ImageUri("x"), ImageDigest(bytes(32))])
def test_an_image_that_is_only_named_is_not_read(image: ImageUri | ImageDigest) -> None:
    assert refusal(item(["a"], [A], [image]))[:2] == (
        "IMAGE_UNRESOLVED",
        "candidates[1].parts[0].image",
    )


async def test_a_failure_is_located_and_a_result_passed_on() -> None:
    async def fine() -> int:
        return 3

    async def bad() -> int:
        raise invalid("REASON", "message", "inner[1]")

    assert await located("prompt[0]", fine()) == 3
    with pytest.raises(ItemError) as raised:
        await located("prompt[0]", bad())
    assert raised.value.error.field == "prompt[0].inner[1]"


async def test_one_failure_is_located_for_each_of_its_items() -> None:
    shared = invalid("REASON", "message")

    async def bad() -> int:
        raise shared

    for path in ("prompt[0]", "candidates[3].parts[0]"):
        with pytest.raises(ItemError) as raised:
            await located(path, bad())
        assert raised.value.error.field == path
    assert shared.error.field == ""


def test_an_image_of_each_candidate_is_enough_for_judges_of_images() -> None:
    item = Item([], [Candidate(["a caption", A]), Candidate([A, "another"])])
    assert [path for path, _ in candidate_images(item)] == [
        "candidates[0].parts[1].image",
        "candidates[1].parts[0].image",
    ]


@pytest.mark.parametrize("read", [candidate_images, image_pairs])
def test_a_candidate_of_another_medium_is_refused(read: Callable[[Item], object]) -> None:
    class Video:
        """A part that no contract knows yet."""

    video: Any = Video()
    for part in (video, ImageUri("file:///a.mp4")):
        with pytest.raises(ItemError) as raised:
            read(Item(["a cat"], [Candidate([A]), Candidate([part])]))
        error = raised.value.error
        assert (error.reason, error.field) == ("IMAGE_UNRESOLVED", "candidates[1].parts[0].image")


def test_references_are_read_one_text_each() -> None:
    item = Item(references=[["one"], [A, "two"]])
    assert reference_texts(item) == [
        ("references[0].parts[0].text", "one"),
        ("references[1].parts[1].text", "two"),
    ]

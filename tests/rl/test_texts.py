"""Prompts and completions, plain or as chat messages."""

from typing import Any

import numpy as np
import pytest
from PIL import Image as PIL

from mmjudge.contract import Part, PixelImage
from mmjudge.rl import Sample, image_samples, text_samples

RED, BLUE = (PIL.new("RGB", (4, 5), colour) for colour in ("red", "blue"))


def shown(parts: tuple[Part, ...]) -> list[Any]:
    """Parts with pictures as the value of their first pixel."""
    return [part.pixels[0, 0].tolist() if isinstance(part, PixelImage) else part for part in parts]


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        ("a cat ", "a cat "),
        ("", ""),
        (np.str_("a cat"), "a cat"),
        ([{"role": "assistant", "content": "a cat"}], "a cat"),
        ({"role": "assistant", "content": "a cat"}, "a cat"),
        ([{"role": "model", "content": [{"type": "text", "text": "a cat"}]}], "a cat"),
        ([{"role": "assistant", "content": ["a ", {"type": "text", "text": "cat"}]}], "a cat"),
        ([{"role": "assistant", "content": ""}], ""),
        ([{"role": "assistant", "content": None, "tool_calls": [{}]}], ""),
        (
            [
                {"role": "assistant", "content": None},
                {"role": "tool", "content": "3 found"},
                {"role": "assistant", "content": "Three."},
                {"role": "user", "content": "Sure?"},
                {"role": "assistant", "content": "Yes."},
            ],
            "Three.\n\nYes.",
        ),
    ],
)
def test_a_completion_is_what_the_policy_wrote(completion: object, text: str) -> None:
    (sample,) = text_samples(None, [completion])
    assert sample.response == (text,)
    assert sample.prompt == ()


def test_pictures_in_a_completion_are_responses_too() -> None:
    content = [{"type": "text", "text": "Look:"}, {"type": "image", "image": RED}]
    (sample,) = text_samples(None, [[{"role": "assistant", "content": content}]])
    assert shown(sample.response) == ["Look:", [255, 0, 0]]


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("What is it?", ["What is it?"]),
        ("", []),
        (None, []),
        ([user({"type": "text", "text": "What is it?"})], ["What is it?"]),
        ([{"role": "system", "content": "Think."}, user("What is it?")], ["What is it?"]),
        ([user({"type": "image"}, {"type": "text", "text": "What?"})], ["What?"]),
        ([user({"type": "image", "image": RED}, "What?")], [[255, 0, 0], "What?"]),
        ([user({"type": "image", "image": RED})], [[255, 0, 0]]),
        (
            [user("What?"), {"role": "assistant", "content": "A cat."}, user("Sure?")],
            ["user: What?\n\nassistant: A cat.\n\nuser: Sure?"],
        ),
    ],
)
def test_a_prompt_is_its_pictures_then_its_text(prompt: object, parts: list[object]) -> None:
    (sample,) = text_samples([prompt], ["It."])
    assert shown(sample.prompt) == parts


def test_pictures_beside_the_chat_go_before_those_in_it() -> None:
    chat = [user({"type": "image", "image": RED}, "What?")]
    samples = text_samples([chat] * 4, ["It."] * 4, [BLUE, [BLUE, BLUE], None, []])
    blue, red = [0, 0, 255], [255, 0, 0]
    assert [shown(sample.prompt) for sample in samples] == [
        [blue, "What?"],
        [blue, blue, "What?"],
        [red, "What?"],
        [red, "What?"],
    ]


def test_references_are_texts() -> None:
    samples = text_samples(None, ["a"] * 3, None, ["one", ["one", "two"], None])
    assert [s.references for s in samples] == [(("one",),), (("one",), ("two",)), ()]
    with pytest.raises(TypeError, match=r"references\[0\] holds a int"):
        text_samples(None, ["a"], None, [[1]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a"], [7]), r"completions\[0\] is a int, expected a str, or chat messages"),
        ((["a"], [["b"]]), r"completions\[0\]\[0\] is 'b', expected"),
        ((["a"], [[{"role": "assistant", "content": 7}]]), r"\['content'\] is a int"),
        ((["a"], [[{"role": "assistant", "content": [{"type": "audio"}]}]]), "'text' or 'image'"),
        ((["a"], [[{"role": "assistant", "content": [{"type": "text"}]}]]), "is a NoneType"),
        (([7], ["a"]), r"prompts\[0\] is a int"),
        ((["a"], ["b"], [3]), r"images\[0\] is a int"),
    ],
)
def test_what_is_no_text_is_refused_by_its_name(arguments: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        text_samples(*arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a"], ["b", "c"]), "1 prompts and 2 completions, expected one of each: repeat"),
        ((["a"], ["b"], [RED, RED]), "2 images and 1 completions"),
        ((["a"], [[user("b")]]), r"completions\[0\]: no message of role 'assistant'"),
    ],
)
def test_what_does_not_fit_together_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        text_samples(*arguments)


def test_a_generators_picture_answers_its_prompt() -> None:
    made = np.stack([np.asarray(RED), np.asarray(BLUE)])
    samples = image_samples(made, ["a", [user("b")]], [None, [RED]])
    assert [(shown(s.prompt), shown(s.response)) for s in samples] == [
        (["a"], [[255, 0, 0]]),
        ([[255, 0, 0], "b"], [[0, 0, 255]]),
    ]
    with pytest.raises(ValueError, match="1 prompts and 2 images"):
        image_samples(made, ["a"])


def test_samples_may_be_made_by_hand() -> None:
    assert Sample(("a",), ("b",)).references == ()

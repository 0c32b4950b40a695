"""Items: through the wire and back whole, each bad field refused by its path."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from mmjudge.contract import (
    Candidate,
    EncodedImage,
    ErrorCode,
    ImageDigest,
    ImageUri,
    Item,
    ItemError,
    Limits,
    Part,
    PixelImage,
)
from mmjudge.contract.wire_items import item_from_proto, item_to_proto
from mmjudge.v1 import judge_pb2, media_pb2

LONE_SURROGATE = "\ud83d"


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    """Reason and field of the `ItemError` that `call` raises."""
    with pytest.raises(ItemError) as caught:
        call()
    error = caught.value.error
    assert error.code is ErrorCode.INVALID_ARGUMENT
    assert error.message
    return error.reason, error.field


def received(message: judge_pb2.Item, limits: Limits | None = None) -> Item:
    data = message.SerializeToString()
    return item_from_proto(judge_pb2.Item.FromString(data), limits or Limits())


def over_the_wire(item: Item, limits: Limits | None = None) -> Item:
    return received(item_to_proto(item), limits)


def refused(item: Item, limits: Limits | None = None) -> tuple[str, str]:
    message = item_to_proto(item)
    return refusal(lambda: received(message, limits))


def spanned(text: str, rows: Sequence[Sequence[int]]) -> Item:
    spans = np.array(rows, np.int32).reshape(-1, 2)
    return Item(candidates=[Candidate(["fine"]), Candidate([text], spans)])


# Whole items

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
IMAGES = st.one_of(
    st.builds(EncodedImage, st.binary(max_size=20)),
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(1, 3), st.just(3))).map(
        PixelImage
    ),
    st.builds(ImageUri, ANY_TEXT),
    st.builds(ImageDigest, st.binary(min_size=32, max_size=32)),
)
PARTS = st.lists(TEXT | IMAGES, max_size=3)


@st.composite
def candidates(draw: st.DrawFn) -> Candidate:
    parts = draw(st.lists(TEXT | IMAGES, min_size=1, max_size=4))
    size = len(Candidate(parts).text.encode())
    offsets = st.integers(0, size)
    if not draw(st.booleans()):
        return Candidate(parts)
    rows = []
    at = 0
    for _ in range(draw(st.integers(0, 5))):
        if at < size and draw(st.booleans()):
            start = draw(st.integers(at, size - 1))
            rows.append((start, draw(st.integers(start + 1, size))))
            at = start
        else:
            rows.append((anywhere := draw(offsets), anywhere))
    spans = np.array(rows, np.int32).reshape(-1, 2)
    log_probs = st.none() | hnp.arrays(np.float32, len(rows), elements=st.floats(-1e4, 0, width=32))
    return Candidate(parts, spans, draw(log_probs))


ITEMS = st.builds(
    Item,
    prompt=PARTS,
    candidates=st.lists(candidates(), min_size=1, max_size=3),
    references=st.lists(PARTS, max_size=2),
    attributes=st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=3),
    id=ANY_TEXT,
)


def plain_array(array: NDArray[Any] | None) -> object:
    return None if array is None else (array.dtype, array.shape, array.tolist())


def plain_parts(parts: Sequence[Part]) -> list[object]:
    return [plain_array(p.pixels) if isinstance(p, PixelImage) else (type(p), p) for p in parts]


def plain(item: Item) -> object:
    """`item` as lists and tuples, to compare."""
    return (
        plain_parts(item.prompt),
        [
            (plain_parts(c.parts), plain_array(c.spans), plain_array(c.log_probs))
            for c in item.candidates
        ],
        [plain_parts(parts) for parts in item.references],
        item.attributes,
        item.id,
    )


@given(ITEMS)
def test_items_come_back_whole(item: Item) -> None:
    assert plain(over_the_wire(item)) == plain(item)


def test_an_item_of_everything_comes_back() -> None:
    picture = PixelImage(np.arange(12, dtype=np.uint8).reshape(2, 2, 3))
    spans = np.array([[0, 2], [2, 2], [2, 6]], np.int32)
    log_probs = np.array([-0.5, 0.0, -100.0], np.float32)
    item = Item(
        prompt=["what is ", EncodedImage(b"file"), ImageUri("s3://a"), "?"],
        candidates=[Candidate(["ab", picture, "🙂"], spans, log_probs), Candidate([picture])],
        references=[["c"], [], [ImageDigest(bytes(32)), "d"]],
        attributes={"category": "SA", "": ""},
        id="first",
    )
    assert plain(over_the_wire(item)) == plain(item)


def test_the_text_of_a_candidate_is_that_of_its_text_parts() -> None:
    assert Candidate(["a", EncodedImage(b"x"), "", "b"]).text == "ab"


def test_a_prompt_is_not_needed() -> None:
    back = over_the_wire(Item(candidates=[Candidate([""])]))
    assert (back.prompt, back.references, back.attributes, back.id) == ([], [], {}, "")


def test_empty_spans_are_not_absent_spans() -> None:
    first, second = over_the_wire(
        Item(candidates=[Candidate([""], np.zeros((0, 2), np.int32)), Candidate([""])])
    ).candidates
    assert first.spans is not None
    assert first.spans.shape == (0, 2)
    assert second.spans is None


# Candidates and parts


@pytest.mark.parametrize("count", [0, 4])
def test_too_few_or_many_candidates_are_refused(count: int) -> None:
    item = Item(candidates=[Candidate(["a"])] * count)
    assert refused(item, Limits(max_candidates=3)) == ("CANDIDATE_COUNT", "candidates")


def test_as_many_candidates_as_allowed_are_accepted() -> None:
    item = Item(candidates=[Candidate(["a"])] * 3)
    assert len(over_the_wire(item, Limits(max_candidates=3)).candidates) == 3


def test_a_candidate_without_parts_is_refused() -> None:
    item = Item(candidates=[Candidate(["a"]), Candidate([])])
    assert refused(item) == ("CANDIDATE_EMPTY", "candidates[1].parts")


BAD_PARTS: list[tuple[media_pb2.Part, str, str]] = [
    (media_pb2.Part(), "PART_MISSING", ""),
    (media_pb2.Part(text="a\0b"), "TEXT_NUL", ".text"),
    (media_pb2.Part(text="12345678901"), "TEXT_TOO_LARGE", ".text"),
    (media_pb2.Part(image=media_pb2.Image()), "IMAGE_MISSING", ".image"),
    (media_pb2.Part(image=media_pb2.Image(sha256=b"1")), "DIGEST_SIZE", ".image.sha256"),
    (
        media_pb2.Part(image=media_pb2.Image(pixels=media_pb2.Tensor())),
        "TENSOR_DTYPE",
        ".image.pixels.dtype",
    ),
    (
        media_pb2.Part(
            image=media_pb2.Image(
                pixels=media_pb2.Tensor(dtype="DATA_TYPE_UINT8", shape=[2, 2, 3], data=bytes(12))
            )
        ),
        "TENSOR_TOO_LARGE",
        ".image.pixels.data",
    ),
]


@pytest.mark.parametrize(("part", "reason", "field"), BAD_PARTS)
def test_a_bad_part_is_refused_by_path_wherever_it_is(
    part: media_pb2.Part, reason: str, field: str
) -> None:
    fine = media_pb2.Part(text="fine")
    candidate = judge_pb2.Candidate(parts=[fine])
    limits = Limits(max_text_bytes=10, max_image_pixels=3)
    places = {
        "prompt[1]": judge_pb2.Item(prompt=[fine, part], candidates=[candidate]),
        "candidates[1].parts[2]": judge_pb2.Item(
            candidates=[candidate, judge_pb2.Candidate(parts=[fine, fine, part])]
        ),
        "references[1].parts[0]": judge_pb2.Item(
            candidates=[candidate],
            references=[judge_pb2.Reference(), judge_pb2.Reference(parts=[part])],
        ),
    }
    for path, message in places.items():
        assert refusal(partial(received, message, limits)) == (reason, path + field)


# Text


@pytest.mark.parametrize("text", ["1234567890", "12345678é", "12🙂3456", "é" * 5])
def test_text_is_measured_in_bytes(text: str) -> None:
    item = Item(candidates=[Candidate([text])])
    assert over_the_wire(item, Limits(max_text_bytes=10)).candidates[0].text == text
    assert refused(item, Limits(max_text_bytes=9))[0] == "TEXT_TOO_LARGE"


@pytest.mark.parametrize("text", [LONE_SURROGATE, "ab\udc00", "\ud83d\ude42"])
def test_text_that_utf8_cannot_hold_is_refused_on_encoding(text: str) -> None:
    fine = Candidate(["fine"])
    places = {
        "prompt[1].text": Item(["a", text], [fine]),
        "candidates[1].parts[0].text": Item(candidates=[fine, Candidate([text])]),
        "references[0].parts[1].text": Item(candidates=[fine], references=[["a", text]]),
        "prompt[0].image.uri": Item([ImageUri(text)], [fine]),
        "id": Item(candidates=[fine], id=text),
        "attributes": Item(candidates=[fine], attributes={text: "a"}),
        "attributes[key]": Item(candidates=[fine], attributes={"key": text}),
    }
    for path, item in places.items():
        assert refusal(partial(item_to_proto, item)) == ("TEXT_NOT_UTF8", path)


# Spans

SPANS_FIELD = "candidates[1].spans"


@pytest.mark.parametrize(
    ("rows", "reason", "row"),
    [
        ([[0, 1], [2, 1]], "SPAN_BACKWARDS", 1),
        ([[0, 1], [-1, -2]], "SPAN_BACKWARDS", 1),
        ([[2**31 - 1, -(2**31)]], "SPAN_BACKWARDS", 0),
        ([[-1, 1]], "SPAN_OUT_OF_TEXT", 0),
        ([[0, 1], [0, 6]], "SPAN_OUT_OF_TEXT", 1),
        ([[6, 6]], "SPAN_OUT_OF_TEXT", 0),
        ([[-1, -1]], "SPAN_OUT_OF_TEXT", 0),
        ([[0, 2**31 - 1]], "SPAN_OUT_OF_TEXT", 0),
        ([[1, 2], [0, 1]], "SPAN_ORDER", 1),
        ([[1, 2], [0, 0], [3, 3], [0, 1]], "SPAN_ORDER", 3),
        ([[0, 1], [3, 4], [2, 5], [1, 5]], "SPAN_ORDER", 2),
    ],
)
def test_the_first_bad_span_is_refused_by_row(rows: list[list[int]], reason: str, row: int) -> None:
    assert refused(spanned("12345", rows)) == (reason, f"{SPANS_FIELD}[{row}]")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", [[0, 0], [0, 0]]),
        ("12345", [[0, 5]]),
        ("12345", [[0, 1], [2, 3]]),  # a gap
        ("12345", [[0, 3], [2, 5]]),  # an overlap
        ("12345", [[5, 5], [0, 0], [0, 2], [3, 3], [1, 1], [2, 5], [0, 0]]),  # empty anywhere
        ("🙂", [[0, 4], [0, 4]]),  # both halves of a cut character, as its whole
        ("🙂", [[0, 2], [2, 4]]),  # or by byte
        ("é🙂", [[0, 6]]),  # bytes, not characters
    ],
)
def test_spans_a_tokenizer_makes_are_accepted(text: str, rows: list[list[int]]) -> None:
    candidate = over_the_wire(spanned(text, rows)).candidates[1]
    assert candidate.spans is not None
    assert candidate.spans.tolist() == rows


def test_spans_point_into_all_text_parts() -> None:
    parts: list[Part] = ["é", EncodedImage(b"a picture has no bytes of text"), "é"]
    spans = np.array([[0, 2], [2, 4]], np.int32)
    assert over_the_wire(Item(candidates=[Candidate(parts, spans)])).candidates[0].text == "éé"
    outside = np.array([[0, 5]], np.int32)
    assert refused(Item(candidates=[Candidate(parts, outside)])) == (
        "SPAN_OUT_OF_TEXT",
        "candidates[0].spans[0]",
    )


@pytest.mark.parametrize(
    ("spans", "reason", "field"),
    [
        (np.zeros((1, 2), np.int64), "TENSOR_DTYPE", ".dtype"),
        (np.zeros((1, 3), np.int32), "TENSOR_SHAPE", ".shape"),
        (np.zeros(2, np.int32), "TENSOR_SHAPE", ".shape"),
    ],
)
def test_spans_of_another_form_are_refused(spans: NDArray[Any], reason: str, field: str) -> None:
    item = Item(candidates=[Candidate(["a"], spans)])
    assert refused(item) == (reason, f"candidates[0].spans{field}")


# Log-probabilities


@pytest.mark.parametrize(
    ("log_probs", "reason", "field"),
    [
        (np.zeros(1, "f4"), "LOG_PROBS_COUNT", ""),
        (np.zeros(3, "f4"), "LOG_PROBS_COUNT", ""),
        (np.array([-1, 1e-6], "f4"), "LOG_PROBS_RANGE", "[1]"),
        (np.array([2, 1], "f4"), "LOG_PROBS_RANGE", "[0]"),
        (np.array([-1, np.nan], "f4"), "TENSOR_NOT_FINITE", ""),
        (np.array([-1, -np.inf], "f4"), "TENSOR_NOT_FINITE", ""),
        (np.zeros(2, "f2"), "TENSOR_DTYPE", ".dtype"),
        (np.zeros((2, 1), "f4"), "TENSOR_SHAPE", ".shape"),
    ],
)
def test_bad_log_probs_are_refused(log_probs: NDArray[Any], reason: str, field: str) -> None:
    spans = np.array([[0, 1], [1, 2]], np.int32)
    item = Item(candidates=[Candidate(["ab"], spans, log_probs)])
    assert refused(item) == (reason, f"candidates[0].log_probs{field}")


def test_log_probs_need_spans() -> None:
    item = Item(candidates=[Candidate(["ab"], None, np.zeros(1, np.float32))])
    assert refused(item) == ("LOG_PROBS_COUNT", "candidates[0].log_probs")


def test_log_probs_of_zero_are_accepted() -> None:
    log_probs = np.array([0.0, -0.0, -1e30], np.float32)
    item = Item(candidates=[Candidate([""], np.zeros((3, 2), np.int32), log_probs)])
    assert over_the_wire(item).candidates[0].log_probs is not None

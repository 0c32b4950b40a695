from typing import Any

import numpy as np
import pytest

from mmjudge.client.encoding import encode_items
from mmjudge.contract import Candidate, InvalidRequest, Item, Limits
from mmjudge.contract.wire_items import item_from_proto

PIXELS = np.zeros((2, 2, 3), np.uint8)
HALF = "half \ud83d"


def test_everything_in_an_item_arrives() -> None:
    item = Item(
        prompt=["describe", PIXELS],  # type: ignore[list-item]
        candidates=[
            Candidate(["a cat"], np.array([[0, 1], [2, 5]], np.int32), np.array([-1.0, -0.5], "f4"))
        ],
        references=[["cat", PIXELS]],  # type: ignore[list-item]
        attributes={"category": "SA"},
        id="row 7",
    )
    back = item_from_proto(encode_items([item])[0], Limits())
    assert (back.id, back.attributes, back.prompt[0]) == ("row 7", {"category": "SA"}, "describe")
    assert back.references[0][0] == "cat"
    candidate = back.candidates[0]
    assert candidate.spans is not None and candidate.log_probs is not None
    assert candidate.spans.tolist() == [[0, 1], [2, 5]]
    assert candidate.log_probs.tolist() == [-1.0, -0.5]


@pytest.mark.parametrize("spans", [[(0, 1), (1, 3)], np.array([[0, 1], [1, 3]], np.int64)])
def test_spans_and_log_probs_as_tokenizers_and_lists_give_them(spans: Any) -> None:
    item = Item(candidates=[Candidate(["cat"], spans, [-0.5, -1.5])])  # type: ignore[arg-type]
    back = item_from_proto(encode_items([item])[0], Limits()).candidates[0]
    assert back.spans is not None and back.spans.tolist() == [[0, 1], [1, 3]]
    assert back.log_probs is not None and back.log_probs.dtype == np.float32


def test_a_completion_without_tokens() -> None:
    item = Item(candidates=[Candidate([""], [], [])])  # type: ignore[arg-type]
    back = item_from_proto(encode_items([item])[0], Limits()).candidates[0]
    assert back.spans is not None and back.spans.shape == (0, 2)


@pytest.mark.parametrize(
    ("item", "field"),
    [
        (Item(["ok", HALF], [Candidate(["x"])]), "items[1].prompt[1].text"),
        (Item([], [Candidate(["x"]), Candidate([HALF])]), "items[1].candidates[1].parts[0].text"),
        (Item([], [Candidate(["x"])], references=[[HALF]]), "items[1].references[0].parts[0].text"),
        (Item([], [Candidate(["x"])], id=HALF), "items[1].id"),
        (Item([], [Candidate(["x"])], attributes={"k": HALF}), "items[1].attributes['k']"),
    ],
)
def test_text_that_has_no_utf8_form_is_named(item: Item, field: str) -> None:
    good = Item(["ok"], [Candidate(["x"])])
    with pytest.raises(InvalidRequest) as caught:
        encode_items([good, item])
    (violation,) = caught.value.violations
    assert violation.field == field
    assert "'\\ud83d'" in violation.description


# What a type checker would have refused.
Wrong: Any = Item
Odd: Any = Candidate


@pytest.mark.parametrize(
    ("item", "error", "message"),
    [
        ("a cat", TypeError, r"items\[0\] is a str, expected mmjudge.client.Item"),
        (Wrong("a cat"), TypeError, r"items\[0\]\.prompt is a str.*\[ \]"),
        (Wrong([], ["a cat"]), TypeError, r"items\[0\]\.candidates\[0\] is a str"),
        (Wrong([], [Odd("a")]), TypeError, r"items\[0\]\.candidates\[0\]\.parts is a str"),
        (Wrong([], [Odd([3])]), TypeError, r"candidates\[0\]\.parts\[0\] is a int"),
        (Wrong([], [], [["x", 3]]), TypeError, r"items\[0\]\.references\[0\]\[1\] is a int"),
        (Wrong(id=7), TypeError, r"items\[0\]\.id is 7, a int, expected a str"),
        (Wrong(attributes={"n": 7}), TypeError, r"items\[0\]\.attributes\['n'\] is 7"),
        (Wrong([], [Odd(["x"], [[0.0, 1.0]])]), TypeError, r"spans: float64.*int32 \[n, 2\]"),
        (Wrong([], [Odd(["x"], [0, 1])]), TypeError, r"\[0\]\.spans: int64 of shape \[2\]"),
        (Wrong([], [Odd(["x"], [[0, 2**40]])]), ValueError, r"spans: from 0 to 1099511627776"),
        (Wrong([], [Odd(["x"], None, [1])]), TypeError, r"log_probs: int64 .*float32 \[n\]"),
    ],
)
def test_what_cannot_be_sent_is_named(item: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        encode_items([item])

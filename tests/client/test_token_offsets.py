import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmjudge.client.token_offsets import byte_spans, rows_of
from mmjudge.contract.spans import check_spans

MIXED = "a é 漢字 👩‍👩‍👧 e\u0301 שלום 🇩🇪"


def test_characters_become_bytes() -> None:
    spans = byte_spans("añ😀b", [(0, 1), (1, 2), (2, 3), (3, 4), (0, 0)])
    assert spans.dtype == np.int32
    assert spans.tolist() == [[0, 1], [1, 3], [3, 7], [7, 8], [0, 0]]


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8")), st.data())
def test_a_span_has_the_bytes_of_its_characters(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    offsets = list(zip(cuts[:-1], cuts[1:], strict=True))
    spans = byte_spans(text, offsets)
    encoded = text.encode()
    for (first, last), (start, end) in zip(offsets, spans.tolist(), strict=True):
        assert encoded[start:end].decode() == text[first:last]
    check_spans(spans, text, field="spans")  # the server takes them


@pytest.mark.parametrize("form", ["list", "array", "int32", "tensor"])
def test_offsets_in_every_form(form: str) -> None:
    offsets: Any = [(i, i + 1) for i in range(len(MIXED))]
    expected = byte_spans(MIXED, offsets)
    match form:
        case "array":
            offsets = np.array(offsets)
        case "int32":
            offsets = np.array(offsets, np.int32)
        case "tensor":
            torch = pytest.importorskip("torch")
            offsets = torch.tensor(offsets)
    assert np.array_equal(byte_spans(MIXED, offsets), expected)
    assert [MIXED.encode()[a:b].decode() for a, b in expected] == list(MIXED)


def test_padding_and_special_tokens_may_stand_anywhere() -> None:
    spans = byte_spans("né", [(0, 0), (0, 1), (0, 0), (1, 2), (0, 0), (0, 0)])
    assert spans.tolist() == [[0, 0], [0, 1], [0, 0], [1, 3], [0, 0], [0, 0]]
    assert byte_spans("", []).shape == (0, 2)
    assert byte_spans("", np.zeros((0, 2), int)).shape == (0, 2)


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        ([(0, 1), (1, 4)], "token 1, characters [1, 4], leaves the text, which has 3 characters"),
        ([(-1, 1)], "token 0, characters [-1, 1], leaves the text"),
        ([(2, 1)], "token 0, characters [2, 1], ends before it starts"),
        ([(1, 2), (0, 0), (0, 1)], "token 2, characters [0, 1], starts before the token ahead"),
        ([(0.0, 1.0)], "float64 of shape [1, 2], expected integers [tokens, 2]"),
        ([0, 1], "int64 of shape [2], expected integers"),
        ([[(0, 1)]], "shape [1, 1, 2], expected integers"),
        ([(0, 1), (1,)], "unequal lengths, expected integers"),
    ],
)
def test_offsets_that_do_not_fit(offsets: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        byte_spans("abc", offsets)


def test_half_a_surrogate_pair_has_no_bytes() -> None:
    with pytest.raises(ValueError, match="character 1 has no UTF-8 form"):
        byte_spans("a\ud800", [(0, 1)])


def test_one_row_a_text() -> None:
    assert rows_of([[1], [2]], ["a", "b"], "ids") == [[1], [2]]
    assert [row.tolist() for row in rows_of(np.eye(2), ["a", "b"], "ids")] == [[1, 0], [0, 1]]
    with pytest.raises(ValueError, match="offsets has 1 rows for 2 texts"):
        rows_of([[]], ["a", "b"], "offsets")


def test_torch_is_not_imported_for_arrays() -> None:
    script = (
        "import sys; sys.path[:] = sys.argv[1:]; "
        "from mmjudge.client import byte_spans; byte_spans('ab', [(0, 1)]); "
        "print('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", script, *sys.path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n"

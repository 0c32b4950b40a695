"""Which parts of an answer are quotations of the texts that were judged."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

# A quotation of fewer characters proves nothing: "8" may stand in any text.
SHORTEST = 5
# Each is looked up in all judged texts; beyond so many, everything counts as quoted.
LOOK_UPS = 256

_MARK = re.compile("[\"'`“”„‟«»‘’‚]")
_ENDS = " .,;:!?…*_>-"


def _squeezed(text: str) -> str:
    return " ".join(text.split()).casefold()


class Quotations:
    """Tells whether a part of `text` stands in a verbatim quotation of one of `judged`.

    A quotation stands in quotation marks, backticks, a fence, or a line that begins with `>`.
    Case and white space may differ, and the sentence mark at its end.
    """

    def __init__(self, text: str, judged: Sequence[str]) -> None:
        self._text = text
        self._judged = [squeezed for one in judged if len(squeezed := _squeezed(one)) >= SHORTEST]
        self._marks = [mark.start() for mark in _MARK.finditer(text)] if self._judged else []
        self._known: dict[tuple[int, int], bool] = {}

    def cover(self, start: int, end: int) -> bool:
        """Whether text[start:end] lies in a quotation."""
        if not self._judged:
            return False
        return self._in_marks(start, end) or self._in_quoted_line(start, end)

    def _in_marks(self, start: int, end: int) -> bool:
        # The nearest marks lie within the quotation's own, so the text between them is judged too.
        left, right = bisect_left(self._marks, start) - 1, bisect_right(self._marks, end - 1)
        if left < 0 or right >= len(self._marks):
            return False
        return self._is_judged(self._marks[left] + 1, self._marks[right])

    def _in_quoted_line(self, start: int, end: int) -> bool:
        first = self._text.rfind("\n", 0, start) + 1
        if not self._text[first : first + 4].lstrip().startswith(">"):
            return False
        last = self._text.find("\n", end)
        return self._is_judged(first, len(self._text) if last < 0 else last)

    def _is_judged(self, start: int, end: int) -> bool:
        if (start, end) not in self._known:
            if len(self._known) >= LOOK_UPS:
                return True
            self._known[start, end] = self._found(start, end)
        return self._known[start, end]

    def _found(self, start: int, end: int) -> bool:
        inner = self._text[start:end]
        if self._text.endswith("```", 0, start):
            inner = re.sub(r"\A\w+\n", "", inner)
        inner = _squeezed(inner).strip(_ENDS)
        return len(inner) >= SHORTEST and any(inner in one for one in self._judged)

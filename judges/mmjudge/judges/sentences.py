"""Where the sentences of a text are, by Wikimedia's sentencex with three rules of our own.

sentencex (MIT, rules alone, nothing to download) knows abbreviations, decimals, quotations, lists
and the full stops of other scripts, and rather leaves two sentences together than cuts one.
"""

import re
from collections.abc import Iterator
from importlib.metadata import version

from mmjudge.contract.errors import invalid

# It takes quadratic time over quotations that never close (0.25 s for so many), and keeps the GIL.
MAX_CHARACTERS = 32_768

# sentencex may panic at spaces of several bytes, and reads plain ones in their place alike.
_WIDE_SPACE = re.compile(r"[^\S\x00-\x7f]")
_WIDE_BREAK = re.compile("[\x85\u2028\u2029]")
# Markup and closing quotes behind a full stop belong to the sentence that it ends.
_CLOSING = re.compile(r"""[*_`"'”’»)\]]+(?=\s|$)""")
# A line that begins as a point of a list does is a sentence of its own, however the last one ended.
_POINT = re.compile(r"(?<=\n)[ \t]*(?:[-*+•]|\d{1,3}[.)]|\(?[A-Za-z][.)])[ \t]+\S")


def splitter(language: str) -> str:
    """What decides where sentences end, for a fingerprint."""
    return f"sentencex {version('sentencex')} {language}"


def sentences(text: str, language: str) -> list[tuple[int, int]]:
    """Start and end in characters of each sentence, without the whitespace around it.

    The ranges are in order, do not overlap, and leave out nothing but whitespace; what holds no
    letter or digit is part of a neighbour. `language` is a code such as `en`, whose abbreviations
    and quotations apply; full stops are known in all. Raises `ItemError` TEXT_TOO_LONG beyond
    `MAX_CHARACTERS`, TEXT_NOT_SPLIT where the library fails.
    """
    if len(text) > MAX_CHARACTERS:
        raise invalid(
            "TEXT_TOO_LONG",
            f"{len(text)} characters, of which sentences are found in at most {MAX_CHARACTERS}: "
            "send the sentences as spans",
        )
    found: list[tuple[int, int]] = []
    starts = _starts(text, language)
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        words = text[start:end].strip()
        if not words:
            continue
        start += text[start:end].index(words[0])
        end = start + len(words)
        if found and not (_has_words(text, *found[-1]) and _has_words(text, start, end)):
            start = found.pop()[0]
        found.append((start, end))
    return found


def _starts(text: str, language: str) -> list[int]:
    found = {0, *(point.start() for point in _POINT.finditer(text))}
    for end in _ends(text, language):
        closing = _CLOSING.match(text, end)
        found.add(closing.end() if closing else end)
    return sorted(found)


def _ends(text: str, language: str) -> Iterator[int]:
    # Imported here, like all that only some judges need.
    from sentencex import get_sentence_boundaries

    plain = _WIDE_SPACE.sub(" ", _WIDE_BREAK.sub("\n", text))
    try:
        boundaries = get_sentence_boundaries(language, plain)
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Rust's, which is no Exception
            raise
        message = f"sentences cannot be found in it ({error}): send them as spans"
        raise invalid("TEXT_NOT_SPLIT", message) from error
    return (boundary["end_index"] for boundary in boundaries)


def _has_words(text: str, start: int, end: int) -> bool:
    return any(character.isalnum() for character in text[start:end])

"""Where the characters of a cleaned text come from."""

import re

WORD = re.compile(r"\S+")


def characters_before_cleaning(text: str, cleaned: str) -> list[tuple[int, int]] | None:
    """For each character of `cleaned` the characters of `text` that it stands for.

    Cleaning (mending of encodings, entities, case, spaces) is taken word by word: where a word kept
    its length, character stands for character; else each stands for the whole word. A space stands
    for the end of the word before it. None if there are more words, or fewer, than before.
    """
    before, after = list(WORD.finditer(text)), list(WORD.finditer(cleaned))
    if len(before) != len(after):
        return None
    origins = [(0, 0)] * len(cleaned)
    end = 0
    for old, new in zip(before, after, strict=True):
        origins[end : new.start()] = [(end and origins[end - 1][1],) * 2] * (new.start() - end)
        same = len(old.group()) == len(new.group())
        for index in range(len(new.group())):
            at = old.start() + index
            origins[new.start() + index] = (at, at + 1) if same else old.span()
        end = new.end()
    return origins

"""One choice as judges write it: `1`, `Image 2`, `[[1]]`, or that neither is better."""

import re
from functools import cache

from mmjudge.judges.answers.labels import spellings
from mmjudge.judges.answers.read_value import Read, shown, unreadable
from mmjudge.judges.answers.value_marks import closing, ends, opening

NOUNS = (
    r"(?:the[ \t])?(?:AI[ -]generated[ \t])?"
    r"(?:image|picture|photo|response|answer|candidate|option|caption|completion|output|text)"
)
_GOES_ON = re.compile(r"[ \t]*(?<!\w)(?:is|wins|over)\b", re.IGNORECASE)
_NUMBER = re.compile(r"[-−–+]?[ \t]?\d")
_UNDECIDED = re.compile(
    r"(?:it(?:'s| is) )?(?:a |an )?(?:neither|both|none|tie|tied|draw|equal|equally"
    r"|undecided|no preference"
    r"|(?:I )?(?:can ?not|can't|could not|am unable to) (?:decide|choose|tell|say))\b"
    r"(?:[ \t]+(?!but\b|however\b|though\b|although\b|except\b)[\w']{1,30}){0,9}"
    r"[ \t*_`\"'”’)\]}]{0,9}(?:[.;!\r\n}]|\Z)",
    re.IGNORECASE,
)


@cache
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    places = sorted(range(len(names)), key=lambda place: len(names[place]), reverse=True)
    either = "|".join(f"(?P<n{place}>{spellings(names[place])})" for place in places)
    return re.compile(rf"(?:{NOUNS}[ \t_#:-]{{0,3}})?(?:{either})(?!\w|\.\d)", re.IGNORECASE)


def read_option(
    written: str, aside: str = "", *, names: tuple[str, ...], ties: tuple[str, ...]
) -> Read[int | None] | None:
    """Read the choice that `written` begins with: a place in `names`, None for a tie.

    Returns None where it begins with something else. Raises Unreadable for two names at once,
    for a number that is no name, and for "neither" where there are no ties.
    """
    place = opening(written)
    if match := _pattern((*names, *ties)).match(written, place):
        end = closing(written, match.end())
        if goes_on := _GOES_ON.match(written, end):
            return Read(_chosen(match, names), goes_on.end())
        if not ends(written, end):
            raise unreadable(f"{shown(written)} is not one choice of {', '.join(names)}")
        return Read(_chosen(match, names), end)
    if match := _UNDECIDED.match(written, place):
        if not ties:
            raise unreadable(f"{shown(written)} chooses none of {', '.join(names)}")
        return Read(None, match.end())
    if _NUMBER.match(written, place):
        raise unreadable(f"{shown(written)} is none of {', '.join((*names, *ties))}")
    return None


def _chosen(match: re.Match[str], names: tuple[str, ...]) -> int | None:
    return next((place for place in range(len(names)) if match[f"n{place}"] is not None), None)

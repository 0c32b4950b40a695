"""One rating as judges write it: `7`, `8/10`, `**8** out of 10`, `Good (4)`."""

import re
from functools import cache

from mmjudge.judges.answers.answer import Scale
from mmjudge.judges.answers.read_value import Read, shown, unreadable
from mmjudge.judges.answers.value_marks import closing, ends, opening

_NUMBER = r"[0-9]{1,6}(?:\.[0-9]{1,20})?|\.[0-9]{1,20}"
_PLAIN = re.compile(_NUMBER)
_SIGNED = re.compile(r"[-−–+±~≈<>≤≥]\s{0,3}\.?\d")
_UNIT = re.compile(r"[ \t]{0,3}(?:points?|stars?)\b", re.IGNORECASE)
_PERCENT = re.compile(r"[ \t]{0,3}(?:%|percent\b|per cent\b)", re.IGNORECASE)
_TO = r"\s{0,3}(?:to|[-–—])\s{0,3}"
_OUT_OF = re.compile(
    r"[ \t]{0,3}\(?(?:"
    rf"/\s{{0,3}}(?P<slash>{_NUMBER})"
    rf"|(?:out[ \t]{{1,3}})?of[ \t]{{1,3}}(?:a (?:possible|maximum) )?(?P<of>{_NUMBER})"
    rf"|on (?:a|the) scale (?:of|from) (?:{_NUMBER}){_TO}(?P<scale>{_NUMBER})"
    rf"|on (?:a|the) (?:{_NUMBER}){_TO}(?P<range>{_NUMBER})[ -]?(?:point )?scale"
    r")(?![\d.]\d)\)?",
    re.IGNORECASE,
)
_IN_ASIDE = re.compile(_NUMBER)
_BETWEEN = re.compile(r"[ \t]{0,3}(?:[(\[,:=/–—]|-(?=[ \t]))?[ \t*\"']{0,5}")


@cache
def _words(scale: Scale) -> tuple[re.Pattern[str], dict[str, int]] | None:
    """A pattern of the scale's words, longest first, and the number that each stands for."""
    if not scale.words:
        return None
    longest = sorted(scale.words, key=len, reverse=True)
    either = "|".join(r"[\s_-]{1,3}".join(map(re.escape, word.split())) for word in longest)
    numbers = {_plain(word): scale.low + place for place, word in enumerate(scale.words)}
    return re.compile(rf"(?:{either})(?!\w|[-+]\w|\+)", re.IGNORECASE), numbers


def _plain(word: str) -> str:
    return " ".join(re.split(r"[\s_-]+", word.casefold()))


def _word(written: str, place: int, scale: Scale) -> Read[float] | None:
    if words := _words(scale):
        pattern, numbers = words
        if match := pattern.match(written, place):
            return Read(float(numbers[_plain(match[0])]), match.end())
    return None


def _out_of(written: str, place: int, scale: Scale) -> int:
    """The place after `/10` or `out of 10`, which must be the scale's end."""
    if match := _OUT_OF.match(written, place):
        declared = next(group for group in match.groups() if group)
        if float(declared) != scale.high:
            raise unreadable(f"{shown(written)} is out of {declared}, not of {scale.high}")
        return match.end()
    return place


def _number(written: str, place: int, scale: Scale) -> Read[float] | None:
    match = _PLAIN.match(written, place)
    if match is None:
        return None
    end = closing(written, match.end())
    if percent := _PERCENT.match(written, end):
        if scale.high != 100:
            raise unreadable(f"{shown(written)} is a percentage, not a number up to {scale.high}")
        end = percent.end()
    if unit := _UNIT.match(written, end):
        end = unit.end()
    end = closing(written, _out_of(written, end, scale))
    if unit := _UNIT.match(written, end):
        end = unit.end()
    return Read(float(match[0]), closing(written, end))


def _same_again(written: str, first: Read[float], scale: Scale, *, number: bool) -> int:
    """The place after a second way of saying the value, as in `Good (4)`; it must agree."""
    between = _BETWEEN.match(written, first.length)
    place = between.end() if between else first.length
    again = _word(written, place, scale)
    if again is None and number and place > first.length and written[place - 1] != ",":
        again = _number(written, place, scale)
    if again is None or not ends(written, end := closing(written, again.length)):
        return first.length
    if again.value != first.value:
        raise unreadable(f"{shown(written)} says {first.value:g} and {again.value:g}")
    return end


def read_rating(written: str, aside: str = "", *, scale: Scale) -> Read[float] | None:
    """Read the rating that `written` begins with; None where it begins with something else.

    aside: what stood in parentheses after the label, such as `out of 10`.
    Raises Unreadable for ranges, negative numbers, percentages, other scales, values outside the
    scale, words and numbers that disagree, and numbers that a sentence goes on with.
    """
    place = opening(written)
    if _SIGNED.match(written, place):
        raise unreadable(f"{shown(written)} is no plain number from {scale.low} to {scale.high}")
    found = _word(written, place, scale)
    is_word = found is not None
    if found is not None:
        found = Read(found.value, closing(written, found.length))
    else:
        found = _number(written, place, scale)
    if found is None:
        return None
    declared = _IN_ASIDE.findall(aside)
    if declared and float(declared[-1]) != scale.high:
        raise unreadable(f"the label declares ({aside}); expected a scale up to {scale.high}")
    end = _same_again(written, found, scale, number=is_word) if scale.words else found.length
    if not ends(written, end):
        raise unreadable(f"{shown(written)} is not one rating")
    if not scale.low <= found.value <= scale.high:
        raise unreadable(f"rating {found.value:g} is outside {scale.low} to {scale.high}")
    return Read(found.value, end)

"""What stands around a value: brackets and markdown before it, the end of its clause after it."""

import re

# What models put around a value: quotes, emphasis, brackets, mathematics.
OPENING = re.compile(r"[\s*_`\"'“”‘’\[(|$]{0,40}(?:\\(?:boxed|text)\{){0,2}[\s*_`\"'“”‘’]{0,9}")
CLOSING = re.compile(r"[ \t*_`\"'“”‘’\])}$]{0,20}")

# After a dash or a comma: the clause goes on with another value or takes this one back.
_MORE = r"(?![ \t*\"'(]{0,9}(?:\d|[-–—]|(?:and|or|to|maybe|perhaps|possibly|through)\b))"
_REASON = r"because|since|as|given|due|based|considering|overall"
_NEXT_FIELD = (
    r"[A-Z][A-Z0-9 _-]{2,40}[:=]"
    r"|(?i:image[ _-]?\d|analysis|reason|explanation|rationale|better|preference|feedback)"
    r"\b[^.,:=\n]{0,40}[:=]"
)
_END = re.compile(
    r"\s*\Z"
    r"|[ \t]*[\r\n]"
    r"|[ \t]*[.!;。；…](?!\.{0,3}\d)"
    rf"|[ \t]*[,:，]{_MORE}"
    rf"|[ \t]*(?<=[ \t])--?(?=[ \t]){_MORE}"
    rf"|[ \t]*[–—]{_MORE}"
    r"|[ \t]*</"
    r"|[ \t]*(?:[{}]|\|(?![ \t]*\d))"
    r"|[ \t]*\((?![^)\n]{0,120}\d)[^)\n]{0,120}\)"
    rf"|[ \t]*(?<!\w)(?i:{_REASON})\b"
    rf"|[ \t]*(?<!\w)(?:{_NEXT_FIELD})"
)
_NOTHING_MORE = re.compile(r"[\s*_`\"'“”‘’\])}$.!。]*\Z")


def opening(written: str) -> int:
    """How many characters come before the value that `written` begins with."""
    match = OPENING.match(written)
    return match.end() if match else 0


def closing(written: str, place: int) -> int:
    """The place after the quotes, brackets and emphasis that close at `place`."""
    match = CLOSING.match(written, place)
    return match.end() if match else place


def ends(written: str, place: int) -> bool:
    """Whether a value may end at `place`: nothing there continues it."""
    return _END.match(written, place) is not None


def nothing_more(written: str, place: int) -> bool:
    """Whether nothing but closing marks stands after `place`."""
    return _NOTHING_MORE.match(written, place) is not None

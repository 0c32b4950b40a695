"""The reasons in an answer as prose: without labels, fences, markdown and the values."""

import re
from collections.abc import Iterable

_HEADING = re.compile(
    r"[\s#*_>\"'<-]{0,20}(?:\d{1,2}[.)][ \t*_]{0,5})?(?:the[ \t]+)?"
    r"(?:analysis(?:[ \t]of[ \t](?:the[ \t])?choice)?"
    r"|reason(?:s|ing)?|rationale|explanation|justification|feedback)"
    r"[*_\"'>]{0,4}[ \t]*(?:[:：]+[ \t*_\"']*|\Z)",
    re.IGNORECASE,
)
_OTHER_ANSWER = re.compile(
    r"(?:\W{0,20}(?:[\w-]+[ \t]){0,6}[\w-]*?(?:rating|score|image|preference|choice|answer|ranking"
    r"|response)\W{0,9}[:=][^\w\n]{0,9}(?:(?:image|response|answer)\W{0,3})?"
    r"(?:[\d./>=]{1,40}|[A-D]|tie)\b\W{0,9}){1,4}\Z",
    re.IGNORECASE,
)
_BRACKETED_ANSWER = re.compile(r"[^\n\[]{0,80}\[\[[^\[\]\n]{1,40}\]\]\W{0,9}\Z")
_FENCE = re.compile(r"```\w*|\*\*|__|`|</?[A-Za-z_]{1,20}>|<\|[a-z_]{1,20}\|>")
_EDGES = " \t*#_|{}[]>\"'“”,;:-–—"


def rationale(prose: str, strings: Iterable[str] = ()) -> str:
    """Clean the parts of an answer that are no values; "" if nothing is left.

    prose: the answer, its labelled values blanked out; strings: texts of its JSON fields.
    """
    lines = [line for text in (*strings, prose) for line in text.splitlines()]
    return "\n".join(cleaned for line in lines if (cleaned := _clean(line)))


def _clean(line: str) -> str:
    line = line.strip()
    if len(line) < 200 and (_OTHER_ANSWER.match(line) or _BRACKETED_ANSWER.match(line)):
        return ""
    if heading := _HEADING.match(line):
        line = line[heading.end() :]
    line = _FENCE.sub("", line).lstrip(_EDGES + ".!)").rstrip(" \t*#_|{}[>,;:")
    return line if any(map(str.isalpha, line)) else ""

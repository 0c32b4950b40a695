"""The score after a fixed heading, as MMIE's fine-tuned judge writes it: `### Score`, then 4."""

import math
import re

from mmjudge.judges.answers.answer import Ratings, Scale
from mmjudge.judges.answers.rationale import rationale
from mmjudge.judges.answers.read_value import shown, unreadable

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def read_score_tag(text: str, heading: str, scale: Scale) -> Ratings:
    """Read the first number after the first `heading`, rounded half to even, in `scale`.

    heading: exactly as it is written, `### Score`. The number is what Lillianwei-h/MMIE reads
    (commit eb0fd6e), digits of any script and far below the heading included; where that code
    drops a reply from its averages, this raises Unreadable (UNPARSEABLE). Text before the heading
    is the rationale.
    """
    before, found, after = text.partition(heading)
    if not found:
        raise unreadable(f"no {heading!r} in the answer")
    if (match := _NUMBER.search(after)) is None:
        raise unreadable(f"no number after {heading!r}")
    written = float(match[0])
    score = round(written) if math.isfinite(written) else None
    if score is None or not scale.low <= score <= scale.high:
        raise unreadable(f"score {shown(match[0])} is outside {scale.low} to {scale.high}")
    return Ratings((float(score),), rationale(before))

"""Ratings under labels, in any of the forms in which judges write them."""

from collections.abc import Sequence
from functools import partial

from mmjudge.judges.answers.answer import Ratings, Scale
from mmjudge.judges.answers.find import agreed, alone, find
from mmjudge.judges.answers.labels import last_word
from mmjudge.judges.answers.rating_value import read_rating
from mmjudge.judges.answers.read_value import unreadable


def read_ratings(
    text: str, labels: Sequence[str], scale: Scale, quoted: Sequence[str] = ()
) -> Ratings:
    """Read one rating for each of `labels` from a judge's answer.

    quoted: the texts that were judged; a rating that only stands in a quotation of one of them
    is none. With one label, its last word is enough (`Rating: 7` for `ALIGNMENT-RATING`), and so
    is an answer that consists of the rating alone.
    Raises Unreadable (UNPARSEABLE) where a rating is missing, ambiguous or outside the scale.
    """
    read = partial(read_rating, scale=scale)
    bare = last_word(labels[0]) if len(labels) == 1 else None
    found = find(text, labels if bare is None else (*labels, bare), read, quoted)
    values = []
    for label, said in zip(labels, found.values, strict=False):
        said = said or (found.values[-1] if bare else ())
        if said:
            values.append(agreed(label, said, "{:g}".format))
        elif len(labels) == 1 and (only := alone(text, read)):
            return Ratings((only.value,))
        else:
            raise unreadable(f"no {label} from {scale.low} to {scale.high} in the answer")
    return Ratings(tuple(values), found.rationale)

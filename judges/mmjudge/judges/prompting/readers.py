"""How a reply is read, by a template's readout."""

from collections.abc import Callable

from mmjudge.contract.items import Want
from mmjudge.contract.verdicts import AbstentionReason, Note, rank
from mmjudge.judges.answers.answer import Choice, Scale, Unreadable
from mmjudge.judges.answers.reading import choice_of, ranking_of, ratings_of, score_tag_of
from mmjudge.judges.backbones.generator import Reply
from mmjudge.judges.prompting.questions import Asked
from mmjudge.judges.prompting.said import Said
from mmjudge.judges.prompting.template import Template


def read(template: Template, reply: Reply, asked: Asked, want: Want) -> Said:
    """What a reply says of the candidates shown; raises Unreadable where it says nothing usable."""
    if reply.refused:
        raise Unreadable(AbstentionReason.REFUSED, "the endpoint says that the model declined")
    return _READERS[template.readout](template, reply, asked, want)


def _rating(template: Template, reply: Reply, asked: Asked, want: Want) -> Said:
    """Ratings; of a pair also the choice, which by its heading may differ from them."""
    scale, quoted = _scale(template), asked.quoted
    found = ratings_of(reply.text, reply.finished, template.labels, scale, quoted)
    ranks, notes = rank(list(found.values)), []
    if template.choice and want is Want.PREFERENCE:
        by_rating, ranks = ranks, _ranks(_choice(template, reply, asked), len(asked.shown))
        if by_rating != ranks:
            told = f"the ratings {found.values} order the pair as {by_rating}, the choice {ranks}"
            notes.append(Note("CHOICE_UNLIKE_RATINGS", f"{told}; the choice counts", asked.path))
    return Said(
        values=found.values,
        ranks=ranks,
        rationale=found.rationale,
        raw_text=reply.text,
        notes=tuple(notes),
    )


def _score_tag(template: Template, reply: Reply, asked: Asked, want: Want) -> Said:
    (heading,) = template.labels
    found = score_tag_of(reply.text, reply.finished, heading, _scale(template))
    return Said(values=found.values, rationale=found.rationale, raw_text=reply.text)


def _chosen(template: Template, reply: Reply, asked: Asked, want: Want) -> Said:
    found = _choice(template, reply, asked)
    ranks = _ranks(found, len(asked.shown))
    return Said(ranks=ranks, rationale=found.rationale, raw_text=reply.text)


def _ranking(template: Template, reply: Reply, asked: Asked, want: Want) -> Said:
    labels, count = template.labels, len(asked.shown)
    ranks = ranking_of(reply.text, reply.finished, labels, count, asked.quoted)
    return Said(ranks=ranks, raw_text=reply.text)


def _choice(template: Template, reply: Reply, asked: Asked) -> Choice:
    numbers = tuple(str(number) for number in range(1, len(asked.shown) + 1))
    names = template.answers or numbers
    ties, quoted = template.ties, asked.quoted
    return choice_of(reply.text, reply.finished, template.choice, names, ties, quoted)


def _ranks(choice: Choice, count: int) -> tuple[int, ...]:
    """The chosen one before all others, which are equal."""
    return rank([float(place == choice.index) for place in range(count)])


def _scale(template: Template) -> Scale:
    assert template.scale is not None  # which the template was checked for
    return template.scale


_READERS: dict[str, Callable[[Template, Reply, Asked, Want], Said]] = {
    "rating": _rating,
    "choice": _chosen,
    "ranking": _ranking,
    "score_tag": _score_tag,
}

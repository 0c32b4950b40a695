"""Which tokens end a generator's answer."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mmjudge.judges.backbones.errors import BackboneUnavailable


class AnswerEnds(NamedTuple):
    """Ids that end an answer: the one that the model was taught to write, and all of them."""

    taught: int
    every: tuple[int, ...]


def answer_ends(network: Any, tokenizer: Any, ending: Sequence[int], what: str) -> AnswerEnds:
    """Find a model's ends.

    ending: control tokens that the chat template writes after an assistant's words, of which the
    first is what the model was taught. All are that, and what generation_config.json, else the
    text's config and the tokenizer, call the end of a sequence.

    Raises `BackboneUnavailable` if there is none.
    """
    named = (
        tuple(_ids(network.generation_config.eos_token_id))
        or tuple(_ids(network.config.get_text_config().eos_token_id))
        or tuple(_ids(tokenizer.eos_token_id))
    )
    every = tuple(dict.fromkeys([*ending[:1], *named]))
    if not every:
        raise BackboneUnavailable(
            f"{what}: nothing says which token ends an answer; expected eos_token_id in its "
            "generation_config.json"
        )
    if ending:
        return AnswerEnds(ending[0], every)
    return AnswerEnds(
        tokenizer.eos_token_id if tokenizer.eos_token_id in every else every[0], every
    )


def _ids(value: int | Sequence[int] | None) -> Iterator[int]:
    if isinstance(value, int):
        yield value
    elif value is not None:
        yield from value

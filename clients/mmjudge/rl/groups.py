"""Samples of one prompt as one item, so that the prompt and its images are sent and encoded once.

GRPO and its kin sample a group of responses to each prompt. Wherever the samples of a prompt stand
in a batch, they become the candidates of one item, and their numbers go back to where they stood.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from mmjudge.contract import Candidate, EncodedImage, Item, Limits, Part, PixelImage
from mmjudge.rl.samples import Sample

_UNLIMITED = Limits(max_message_bytes=0, max_items=0, max_candidates=0)
# What a request has beside an item's parts: judges, criteria, and a frame around each part.
_ENVELOPE, _FRAME = 64 * 1024, 64


@dataclass(frozen=True, slots=True)
class Groups:
    """Items, and for each of them the places in the batch that its candidates came from."""

    items: list[Item]
    places: list[list[int]]


def group(samples: Sequence[Sample], limits: Limits = _UNLIMITED) -> Groups:
    """Return the items of `samples`, in order of their first ones.

    Prompts are equal when their texts are and their images have equal pixels or files; references
    belong to the prompt. A group is cut where an item would have more candidates or bytes than
    `limits` let through; 0 is no limit.
    """
    found: dict[Hashable, list[int]] = {}
    for place, sample in enumerate(samples):
        key = _key(sample.prompt), tuple(map(_key, sample.references))
        found.setdefault(key, []).append(place)
    places = [cut for together in found.values() for cut in _cut(together, samples, limits)]
    items = [
        Item(
            prompt=samples[together[0]].prompt,
            candidates=[Candidate(samples[place].response) for place in together],
            references=samples[together[0]].references,
        )
        for together in places
    ]
    return Groups(items, places)


def _cut(together: list[int], samples: Sequence[Sample], limits: Limits) -> Iterator[list[int]]:
    first = samples[together[0]]
    most = limits.max_candidates or len(together)
    shared = _size(first.prompt) + sum(map(_size, first.references))
    room = limits.max_message_bytes - _ENVELOPE - shared
    cut, filled = [together[0]], _size(first.response)
    for place in together[1:]:
        size = _size(samples[place].response)
        if len(cut) == most or (limits.max_message_bytes and filled + size > room):
            yield cut
            cut, filled = [], 0
        cut.append(place)
        filled += size
    yield cut


def _size(parts: Sequence[Part]) -> int:
    return sum(_bytes(part) + _FRAME for part in parts)


def _bytes(part: Part) -> int:
    match part:
        case str():
            return len(part.encode("utf-8", "replace"))
        case PixelImage(pixels):
            return pixels.nbytes
        case EncodedImage(data):
            return len(data)
    return 0


def _key(parts: Sequence[Part]) -> tuple[Hashable, ...]:
    return tuple(
        part.digest if isinstance(part, EncodedImage | PixelImage) else part for part in parts
    )

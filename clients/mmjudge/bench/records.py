"""What a benchmark asks about: a prompt, one candidate or two, and what is known of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import Any, Literal, Protocol

from mmjudge.contract import Candidate, EncodedImage, Item

Kind = Literal["pair", "bias", "grade"]
"""Two candidates of which one is preferred; one image of a group; an answer to be graded."""


class Picture(Protocol):
    """An image of a data set, read when it is needed and sent as it is stored."""

    @property
    def name(self) -> str:
        """Where it is in the data set: a path relative to its root, or split, row and column."""

    def read(self) -> bytes:
        """Return the whole image file; raises OSError."""


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture in a folder."""

    root: Path
    name: str

    def read(self) -> bytes:
        """Return the whole file; raises OSError."""
        return (self.root / self.name).read_bytes()


Parts = tuple[str | Picture, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One thing to be judged.

    source: the file or split it was read from, over which scores are normalised.
    facts: what metrics need of it, as JSON: of a pair "label" (0 or 1, the index of the preferred
    candidate; 0.5 for a tie); of bias "group" (the occupation), "demographic" and "traits" (which
    of age, gender, ... vary); of a grade "model", and "human" where people graded it.
    """

    kind: Kind
    perspective: str
    subcategory: str
    source: str
    prompt: Parts
    candidates: tuple[Parts, ...]
    facts: Mapping[str, Any]
    references: tuple[Parts, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The prompt's text, for people."""
        return "\n".join(part for part in self.prompt if isinstance(part, str))

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All pictures: of the prompt, the candidates, the references."""
        lists = (self.prompt, *self.candidates, *self.references)
        return tuple(part for parts in lists for part in parts if not isinstance(part, str))


@dataclass(frozen=True, slots=True)
class Question:
    """A record with its images read: what is sent, and the id that its content gives it."""

    record: Record
    id: str
    item: Item

    @property
    def swapped(self) -> Item:
        """The item with its candidates in the other order."""
        return replace(self.item, candidates=self.item.candidates[::-1])


def question(record: Record) -> Question:
    """Read the record's images; raises OSError for one that cannot be read.

    The id is the start of a SHA-256 over all that is asked and all that is known: kind,
    perspective, subcategory, source, facts, texts and images' bytes. Names of files do not count.
    """
    prompt = _sent(record.prompt)
    candidates = [_sent(parts) for parts in record.candidates]
    references = [_sent(parts) for parts in record.references]
    content = {
        "kind": record.kind,
        "perspective": record.perspective,
        "subcategory": record.subcategory,
        "source": record.source,
        "facts": dict(record.facts),
        "attributes": dict(record.attributes),
        "prompt": _told(prompt),
        "candidates": [_told(parts) for parts in candidates],
        "references": [_told(parts) for parts in references],
    }
    digest = sha256(dumps(content, sort_keys=True).encode()).hexdigest()[:24]
    item = Item(
        prompt=prompt,
        candidates=[Candidate(parts) for parts in candidates],
        references=references,
        attributes=record.attributes,
        id=digest,
    )
    return Question(record, digest, item)


def listing_digest(records: Sequence[Record]) -> str:
    """SHA-256, in hex, of all that the records say without opening their images."""
    digest = sha256()
    for record in records:
        lists = [record.prompt, *record.candidates, *record.references]
        told = [record.kind, record.perspective, record.subcategory, record.source,
                dict(record.facts), dict(record.attributes), len(record.candidates),
                [[_named(part) for part in parts] for parts in lists]]  # fmt: skip
        digest.update(dumps(told, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()


def _sent(parts: Parts) -> list[str | EncodedImage]:
    return [_valid(part) if isinstance(part, str) else EncodedImage(part.read()) for part in parts]


def _valid(text: str) -> str:
    """The text with U+FFFD for halves of surrogate pairs, which JSON may hold and UTF-8 may not."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _named(part: str | Picture) -> list[str]:
    return ["text", part] if isinstance(part, str) else ["image", part.name]


def _told(parts: Sequence[str | EncodedImage]) -> list[list[str]]:
    return [
        ["text", part] if isinstance(part, str) else ["image", part.digest.hex()] for part in parts
    ]

"""Encoding the steps of responses to one image: each different step once, and the image once."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mmjudge.contract.errors import ItemError
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.contract.verdicts import Note
from mmjudge.judges.backbones.dual_encoder import DualEncoder
from mmjudge.judges.backbones.features import Features
from mmjudge.judges.backbones.text_encoding import WhenLong
from mmjudge.judges.comparing import Comparer, cosine
from mmjudge.judges.judge import Host
from mmjudge.judges.operation import Computed
from mmjudge.judges.pairing import located
from mmjudge.judges.response_steps import Response, Step


@dataclass(frozen=True, slots=True)
class ReadSteps:
    """The cosine of every step of every response with the image, and what was done on the way."""

    cosines: list[list[float]]
    notes: list[Note]


class StepReader:
    """Compares the steps of responses with an image, by a dual encoder that a host serves."""

    def __init__(
        self, encoder: DualEncoder, host: Host, template: str, when_long: WhenLong
    ) -> None:
        """`template` holds {text} once; raises ValueError otherwise."""
        self._comparer = Comparer(encoder, host, template, when_long)
        self._image = host.serve(encoder.images)

    async def read(
        self, image: EncodedImage | PixelImage, image_path: str, responses: Sequence[Response]
    ) -> ReadSteps:
        """Encode and compare.

        Raises `ItemError` with the image's path, or with that of a step's text and the step's
        bytes in the message. What is noted of a step is told where the step first stands.
        """
        seen, texts = await asyncio.gather(
            located(image_path, self._image(image)), self._read_all(responses)
        )
        cosines = [
            [cosine(seen.value, texts[step.text].value) for step in response.steps]
            for response in responses
        ]
        notes = [note.at(image_path) for note in seen.notes]
        return ReadSteps(cosines, notes + [note for one in texts.values() for note in one.notes])

    async def _read_all(self, responses: Iterable[Response]) -> dict[str, Computed[Features]]:
        first: dict[str, tuple[str, Step]] = {}
        for response in responses:
            for step in response.steps:
                first.setdefault(step.text, (response.text_path, step))
        features = await asyncio.gather(*(self._read_one(*one) for one in first.values()))
        return dict(zip(first, features, strict=True))

    async def _read_one(self, path: str, step: Step) -> Computed[Features]:
        where = f"step at bytes {step.start} to {step.end}"
        try:
            computed = await self._comparer.read(path, step.text)
        except ItemError as error:
            told = replace(error.error, message=f"{where}: {error.error.message}")
            raise ItemError(told) from error
        notes = (replace(note, message=f"{where}: {note.message}") for note in computed.notes)
        return Computed(computed.value, tuple(notes))

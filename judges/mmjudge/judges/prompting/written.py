"""Readouts of what the model writes: read strictly, over one sample or several."""

from dataclasses import replace

from mmjudge.contract.errors import ItemError
from mmjudge.contract.items import Want
from mmjudge.judges.answers.answer import Unreadable
from mmjudge.judges.backbones.generator import Generator, Reply, Sampling
from mmjudge.judges.operation import Computed
from mmjudge.judges.prompting.questions import Asked
from mmjudge.judges.prompting.readers import read
from mmjudge.judges.prompting.said import Said, abstained, together
from mmjudge.judges.prompting.template import Template
from mmjudge.judges.prompting.voting import Combine, combined


class Written:
    """Has the model answer in words, `samples` times, and reads them."""

    def __init__(
        self,
        generator: Generator,
        template: Template,
        sampling: Sampling,
        samples: int = 1,
        combine: Combine = "mean",
    ) -> None:
        self._generator, self._template, self._sampling = generator, template, sampling
        self._samples, self._combine = samples, combine

    async def __call__(self, asked: Asked, want: Want) -> Said:
        """Ask, raising `ItemError` or `Abstained`."""
        replies = await together(self._reply(asked, number) for number in range(self._samples))
        texts = [reply.value.text for reply in replies]
        notes = tuple(dict.fromkeys(note for reply in replies for note in reply.notes))
        found = [self._read(reply.value, asked, want) for reply in replies]
        if len(found) > 1:
            said = combined(found, texts, asked.path, self._combine, notes)
        elif isinstance(found[0], Unreadable):
            raise abstained(found[0].reason, str(found[0]), asked.path, texts[0], notes)
        else:
            said = found[0]
        return replace(said, notes=(*notes, *said.notes))

    async def _reply(self, asked: Asked, number: int) -> Computed[Reply]:
        try:
            computed = await self._generator.reply(asked.question, self._sampling, number)
        except ItemError as error:
            raise asked.located(error) from error
        return Computed(computed.value, tuple(map(asked.noted, computed.notes)))

    def _read(self, reply: Reply, asked: Asked, want: Want) -> Said | Unreadable:
        try:
            return read(self._template, reply, asked, want)
        except Unreadable as error:
            return error

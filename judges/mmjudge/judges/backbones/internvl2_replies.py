"""The operation of InternVL2: questions with images in, answers in words out."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PIL
from torch import Tensor

from mmjudge.contract.errors import ItemError
from mmjudge.contract.image_files import open_image
from mmjudge.contract.verdicts import Note
from mmjudge.judges.backbones.generator import Question, Reply
from mmjudge.judges.backbones.generator_network import GeneratorNetwork
from mmjudge.judges.backbones.internvl2_budget import TileBudget
from mmjudge.judges.backbones.internvl2_prompt import END, prompt_pieces
from mmjudge.judges.backbones.internvl2_tiles import cut_tiles, normalise
from mmjudge.judges.backbones.internvl2_tokenizer import InternVL2Tokenizer
from mmjudge.judges.operation import Budget, Prepared


class Prompt(NamedTuple):
    """What the network reads: ids, and uint8 tiles `[tiles, 448, 448, 3]` of all images."""

    ids: list[int]
    tiles: NDArray[np.uint8] | None = None


class Replies:
    """Question -> `Reply`, greedy, batched by padded tokens of prompt and answer."""

    def __init__(
        self,
        network: GeneratorNetwork,
        tokenizer: InternVL2Tokenizer,
        *,
        name: str,
        fingerprint: str,
        budget: Budget,
        tiles: TileBudget,
    ) -> None:
        """An answer has at most the tokens that `tiles` keeps free for it."""
        self._network, self._tokenizer, self._tiles = network, tokenizer, tiles
        self._end = tokenizer.token(END).id
        self.name, self.fingerprint, self.budget = name, fingerprint, budget
        self.device = str(network.device)

    def key(self, question: Question) -> bytes:
        """The question's own."""
        return question.key

    def prepare(self, question: Question) -> Prepared[Prompt]:
        """Decode images, choose their tiles, tokenize.

        Notes and raises as `TileBudget.grids`, and an image's errors as `open_image` with
        `images[i]`.
        """
        pictures, notes = _open(question)
        sizes = [picture.size for picture in pictures]
        text = len(self._ids(question, [0] * len(pictures)))
        grids, reduced = self._tiles.grids(sizes, text)
        ids = self._ids(question, [grid.tiles * self._tiles.tile for grid in grids])
        tiles = [cut_tiles(picture, grid) for picture, grid in zip(pictures, grids, strict=True)]
        prompt = Prompt(ids, np.concatenate(tiles) if tiles else None)
        return Prepared(prompt, len(ids) + self._tiles.answer, (*notes, *reduced))

    def forward(self, payloads: list[Prompt]) -> list[Reply]:
        """Continue prompts, padded on the left to the longest."""
        rows = [network_row(prompt, self._network.device) for prompt in payloads]
        limits = [self._tiles.answer] * len(rows)
        return [self._reply(ids) for ids in self._network.continuations(rows, limits, None)]

    def size(self, output: Reply) -> int:
        """Bytes of the text."""
        return len(output.text.encode())

    def _ids(self, question: Question, image_tokens: list[int]) -> list[int]:
        return self._tokenizer.encode(prompt_pieces(question, self._tokenizer, image_tokens))

    def _reply(self, ids: list[int]) -> Reply:
        finished = ids[-1:] == [self._end]
        said = ids[:-1] if finished else ids
        return Reply(self._tokenizer.decode(said).strip(), finished)


def network_row(prompt: Prompt, device: torch.device) -> Mapping[str, Tensor]:
    """The network's arguments for one prompt: int64 `[1, tokens]`, and tiles if it has any."""
    ids = torch.tensor([prompt.ids])
    row = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if prompt.tiles is not None:
        row["pixel_values"] = normalise(torch.from_numpy(prompt.tiles).to(device))
    return row


def _open(question: Question) -> tuple[list[PIL.Image], list[Note]]:
    pictures, notes = [], []
    for index, image in enumerate(question.images):
        try:
            opened = open_image(image, turn=False)
        except ItemError as error:
            raise error.at(f"images[{index}]") from error
        pictures.append(opened.picture.convert("RGB"))
        notes += [note.at(f"images[{index}]") for note in opened.notes]
    return pictures, notes

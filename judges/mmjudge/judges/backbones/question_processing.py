"""What is done to a conversation on the CPU: decoded, written as a prompt, turned into tensors."""

from collections.abc import Sequence
from dataclasses import dataclass
from os.path import commonprefix
from typing import Any, NamedTuple

from PIL import Image as PIL
from torch import Tensor

from mmjudge.contract.errors import ItemError, invalid
from mmjudge.contract.image_files import open_image
from mmjudge.contract.verdicts import Note
from mmjudge.judges.backbones.chat_prompts import ChatPrompts, Piece, joined, marked
from mmjudge.judges.backbones.generator import Question
from mmjudge.judges.backbones.plain_text import NEUTRALISED, PlainText, not_plain


@dataclass(frozen=True, slots=True, eq=False)
class Processed:
    """A conversation as the model takes it.

    inputs: the processor's tensors, `input_ids` int64 `[1, tokens]` among them.
    pieces: the prompt, in which images are placeholders.
    """

    inputs: dict[str, Tensor]
    pieces: tuple[Piece, ...]
    notes: tuple[Note, ...]

    @property
    def length(self) -> int:
        """Tokens of the prompt, those of images included."""
        return self.inputs["input_ids"].shape[1]


class Continuations(NamedTuple):
    """Answers as tokens in the context of a prompt.

    dropped: how many of the prompt's last tokens are others once an answer follows: a space at its
    end is part of the answer's first word.
    answers: ids of each answer, in place of those and after.
    """

    dropped: int
    answers: list[list[int]]


class QuestionProcessor:
    """A family's own processor, with texts kept from being more than text.

    Safe on any thread once it has processed one conversation.
    """

    def __init__(
        self, processor: Any, prompts: ChatPrompts, plain: PlainText, *, context: int, images: int
    ) -> None:
        """context: most tokens of a prompt and its answer. images: most of them; 0 for any."""
        self._processor, self._prompts, self._plain = processor, prompts, plain
        self._context, self._images = context, images
        self._begin: str = processor.tokenizer.bos_token or ""

    def process(self, question: Question, answer: int = 0) -> Processed:
        """Tensors of one conversation; `answer` is how many tokens are to follow.

        Raises `ItemError`: TOO_MANY_IMAGES, CONTEXT_EXCEEDED, CONTROL_TOKENS,
        CONVERSATION_UNSUPPORTED, what `open_image` raises with the field `images[i]`, and
        IMAGE_UNPROCESSABLE for images that the family's processor refuses.
        """
        images = question.images
        if self._images and len(images) > self._images:
            raise invalid(
                "TOO_MANY_IMAGES", f"{len(images)} images, at most {self._images} (max_images)"
            )
        pictures, notes = [], []
        for index, image in enumerate(images):
            try:
                opened = open_image(image)
            except ItemError as error:
                raise error.at(f"images[{index}]") from error
            pictures.append(opened.picture.convert("RGB"))
            notes += [note.at(f"images[{index}]") for note in opened.notes]
        written = self._prompts.pieces(question)
        pieces = self._plain.neutralise(written)
        inputs = self._tensors(joined(pieces), pictures)
        if pieces != written:
            notes.append(NEUTRALISED)
            # What a processor makes of placeholders is its own affair: ask it.
            innocuous = self._tensors(joined(marked(pieces)), pictures)
            if self._controls(inputs) != self._controls(innocuous):
                raise not_plain()
        self.check_length(inputs["input_ids"].shape[1], answer)
        return Processed(inputs, pieces, tuple(notes))

    def check_length(self, prompt: int, answer: int) -> None:
        """Raise `ItemError` CONTEXT_EXCEEDED if so many tokens are too many."""
        if prompt + answer > self._context:
            raise invalid(
                "CONTEXT_EXCEEDED",
                f"a prompt of {prompt} tokens and an answer of up to {answer}, together at most "
                f"{self._context}: send fewer or smaller images, less text, or ask for a shorter "
                "answer",
            )

    def continuations(self, pieces: tuple[Piece, ...], answers: Sequence[str]) -> Continuations:
        """Ids of answers after a prompt; raises `ItemError` CONTROL_TOKENS, ANSWER_EMPTY."""
        bare = self._plain.encode(joined(pieces))
        begun = (*pieces, Piece(self._prompts.opening, False))
        wholes = [
            self._plain.encode(joined(self._plain.neutralise((*begun, Piece(answer, True)))))
            for answer in answers
        ]
        kept = len(commonprefix([bare, *wholes]))
        if any(len(whole) == kept for whole in wholes):
            raise invalid("ANSWER_EMPTY", "an answer of no tokens, expected some text")
        return Continuations(len(bare) - kept, [whole[kept:] for whole in wholes])

    def words(self, ids: Sequence[int]) -> str:
        """Text of an answer without its control tokens and the space around it."""
        text: str = self._processor.tokenizer.decode(
            list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text.strip()

    def _tensors(self, prompt: str, pictures: list[PIL.Image]) -> dict[str, Tensor]:
        begun = bool(self._begin) and prompt.startswith(self._begin)
        try:
            made = self._processor(
                images=pictures or None,
                text=[prompt],
                return_tensors="pt",
                add_special_tokens=not begun,
            )
        except (IndexError, ValueError, ZeroDivisionError) as error:
            reason = " ".join(str(error).split())[:300]
            raise invalid(
                "IMAGE_UNPROCESSABLE",
                f"the model's image processor refuses it ({reason}): crop, pad or enlarge it",
                "images[0]" if len(pictures) == 1 else "",
            ) from error
        return {name: tensor for name, tensor in made.items() if isinstance(tensor, Tensor)}

    def _controls(self, inputs: dict[str, Tensor]) -> list[int]:
        return self._plain.controls(inputs["input_ids"][0].tolist())

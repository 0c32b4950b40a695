"""How InternVL2 over Phi-3 is spoken to: its conversation template, and images in it."""

from collections.abc import Sequence

from mmjudge.judges.backbones.generator import Question
from mmjudge.judges.backbones.internvl2_tokenizer import InternVL2Tokenizer, Piece

END = "<|end|>"
IMAGE, CONTEXT, IMAGE_END = "<img>", "<IMG_CONTEXT>", "</img>"
CONTROL = (END, IMAGE, CONTEXT, IMAGE_END, "<|system|>", "<|user|>", "<|assistant|>")


def prompt_pieces(
    question: Question, tokenizer: InternVL2Tokenizer, image_tokens: Sequence[int]
) -> list[Piece]:
    """The conversation up to where the answer begins.

    image_tokens: context tokens of each image, in the order of `question.images`.
    """
    image, context, image_end = map(tokenizer.token, (IMAGE, CONTEXT, IMAGE_END))
    counts = iter(image_tokens)
    pieces: list[Piece] = []
    for message in question.messages:
        pieces += tokenizer.parse(f"<|{message.role}|>\n")
        for part in message.parts:
            if isinstance(part, str):
                pieces.append(part)
            else:
                pieces += [image, *[context] * next(counts), image_end]
        pieces.append(tokenizer.token(END))
    return pieces + tokenizer.parse("<|assistant|>\n")

"""Texts made harmless for chat templates and tokenizers that nobody here has seen."""

import re

from mmjudge.contract.verdicts import Note

NEUTRALISED = Note(
    "CONTROL_TOKENS_NEUTRALISED",
    "a text held what models take for control tokens or images' placeholders, such as <image>: "
    "a space was put after the first character of each",
)

# Names in angle brackets without a mark of their own; those with an underscore are all taken.
TAGS = (
    "s bos eos pad unk mask sep cls sop eop boi eoi "
    "image images img imagehere global-img im video vid audio speech sound media vision "
    "ref box quad point seg loc slice patch grounding think tools seed:bos seed:eos"
)
BRACKETS = (
    "inst img image audio video think prefix middle suffix args call_id begin_audio transcribe "
    "bos eos cls sep pad unk mask gmask smask"
)
_TOKEN = re.compile(
    "|".join(
        (
            # ChatML, Llama 3 and 4, Phi, GLM; with fullwidth bars DeepSeek.
            r"<[|\uff5c][^<>\n]{1,100}[|\uff5c]>",
            # Gemma, LLaVA, Idefics, InternVL, T5, ...: tags of HTML have no underscores.
            r"</?[a-z][a-z0-9:.-]{0,40}_[a-z0-9_:.-]{0,60}[ ]?/?>",
            # Llama, Qwen-VL, MiniCPM, PaliGemma, Gemma; some with a number.
            rf"</?(?:{'|'.join(TAGS.split())}|unused|extra|special)[ -]?[0-9]{{0,6}}[ ]?/?>",
            # Llama 2.
            r"<</?sys>>",
            # Mistral, BERT, GLM.
            rf"\[/?(?:{'|'.join(BRACKETS.split())}|[a-z]{{2,20}}(?:_[a-z0-9]{{1,20}}){{1,3}})\]",
            # MiniMax.
            r"\]~!?[a-z]{1,20}[\[\]]|\[e~\[|\]<\][a-z_ ]{1,40}\[>\[",
        )
    ),
    re.IGNORECASE,
)


def neutralise(text: str) -> str:
    """Return text in which nothing has the look of a control token of a known family of models.

    One space goes after the first character of each (`<image>` becomes `< image>`), until none is
    left. Nothing is taken away, and text without them comes back equal.
    """
    while True:
        # Again, because tokens may share characters. No token has a space for its second
        # character, so each character can begin one once only, and this ends.
        apart = _TOKEN.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
        if apart == text:
            return text
        text = apart

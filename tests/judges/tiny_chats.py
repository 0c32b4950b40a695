"""Templates, control tokens and tokenizers of the families of tiny vision-language models.

Templates are short but keep what is peculiar: LLaVA shows all images before all texts, LLaVA-NeXT
has no system role and insists on turns, Idefics has roles in plain text.
"""

import json
from typing import Any

from tests.judges.tiny_models import PHRASES
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

CORPUS = (*PHRASES, "Yes No A B C D Score: 1 2 3 4 5 rating [[A]] USER ASSISTANT user assistant")

LLAVA_TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'system' %}{% for p in m.content %}{{ p.text }} "
    "{% endfor %}{% else %}{{ m.role | upper }}: "
    "{% for p in m.content if p.type == 'image' %}<image>\n{% endfor %}"
    "{% for p in m.content if p.type == 'text' %}{{ p.text }}"
    "{{ '' if m.role == 'assistant' else ' ' }}{% endfor %}"
    "{{ '</s>' if m.role == 'assistant' }}{% endif %}{% endfor %}"
    "{{ 'ASSISTANT:' if add_generation_prompt }}"
)
LLAVA_NEXT_TEMPLATE = (
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('turns of user and assistant must alternate') }}{% endif %}"
    "{{ '[INST] ' if m.role == 'user' else ' ' }}"
    "{% for p in m.content %}{{ '<image>\n' if p.type == 'image' else p.text }}{% endfor %}"
    "{{ ' [/INST]' if m.role == 'user' else '</s>' }}{% endfor %}"
)
CHATML = (
    "{{% for m in messages %}}<|im_start|>{{{{ m.role }}}}\n{{% for p in m.content %}}"
    "{{% if p.type == 'image' %}}{image}{{% else %}}{{{{ p.text }}}}{{% endif %}}{{% endfor %}}"
    "<|im_end|>\n{{% endfor %}}{{{{ '<|im_start|>assistant\n' if add_generation_prompt }}}}"
)
IDEFICS_TEMPLATE = (
    "{% for m in messages %}{{ m.role | capitalize }}:"
    "{{ '' if m.content[0].type == 'image' else ' ' }}{% for p in m.content %}"
    "{{ '<image>' if p.type == 'image' else p.text }}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{{ 'Assistant:' if add_generation_prompt }}"
)
QWEN_CONTROLS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<tool_call>",
)
INTERNVL_CONTROLS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<img>",
    "</img>",
    "<IMG_CONTEXT>",
    "<video>",
)
IDEFICS_CONTROLS = (
    "<pad>",
    "<s>",
    "</s>",
    "<image>",
    "<fake_token_around_image>",
    "<end_of_utterance>",
    "<global-img>",
    *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)),
)


def byte_level(controls: tuple[str, ...], end: str, padding: str, **named: str) -> Any:
    """Bytes with merges, as GPT-2, Qwen and Llama 3 have it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=list(controls),
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return _wrapped(tokenizer, eos_token=end, pad_token=padding, **named)


def sentencepiece(controls: tuple[str, ...]) -> Any:
    """Words that begin with a space, `▁`, with bytes for what is not in the vocabulary."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    bytes_ = [f"<0x{number:02X}>" for number in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=[*controls, *bytes_], show_progress=False
    )
    words = [f"▁{word}" for phrase in CORPUS for word in phrase.split()]
    tokenizer.normalizer, kept = normalizers.Sequence([]), tokenizer.normalizer
    tokenizer.train_from_iterator(words, trainer)
    state = json.loads(tokenizer.to_str())
    # Bytes were only named so that they got ids: they are pieces, no control tokens.
    state["added_tokens"] = [one for one in state["added_tokens"] if one["content"] in controls]
    tokenizer = Tokenizer.from_str(json.dumps(state))
    tokenizer.normalizer = kept
    start = "<s>"
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A", special_tokens=[(start, tokenizer.token_to_id(start))]
    )
    return _wrapped(
        tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )


def _wrapped(tokenizer: Tokenizer, **named: str) -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **named
    )

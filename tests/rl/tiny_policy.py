"""A causal language model of a few thousand parameters, and a tokenizer of words made in code."""

from pathlib import Path
from typing import Any

WORDS = "a an the cat rocket flower cup astronaut pagoda galaxy man photo of with on red".split()


def save_policy(folder: Path, words: list[str] | None = None, seed: int = 0) -> Path:
    """Write a random Llama and its tokenizer to `folder`, as `from_pretrained` reads them."""
    from mmjudge.judges.backbones.torchvision_schema import ensure_torchvision_schemas

    ensure_torchvision_schemas()
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    vocabulary = {word: i for i, word in enumerate(["<pad>", "<eos>", "<unk>", *(words or WORDS)])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer: Any = PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=32,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder

"""All that can change what a generator of transformers answers."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from mmjudge.judges.backbones.answer_ends import AnswerEnds
from mmjudge.judges.backbones.chat_prompts import ChatPrompts
from mmjudge.judges.backbones.generator_config import GeneratorConfig
from mmjudge.judges.backbones.generator_network import GeneratorNetwork
from mmjudge.judges.backbones.plain_text import PlainText
from mmjudge.judges.backbones.transformers_architectures import ORIGIN
from mmjudge.judges.fingerprint import code_version, weights_digest

# Of a processor: where it was read from.
PLACES = (*ORIGIN, "name_or_path", "local_files_only", "is_local")


def provenance(
    config: GeneratorConfig,
    network: GeneratorNetwork,
    processor: Any,
    prompts: ChatPrompts,
    plain: PlainText,
    ends: AnswerEnds,
) -> Mapping[str, str]:
    """Weights, architecture, processing, template, rules of generation and code; for fingerprints.

    A longest context and number of images change no answer, only whether there is one.
    """
    architecture = network.network.config
    return {
        "weights": weights_digest({"transformers": network.network}),
        "architecture": _digest(architecture.to_dict()),
        "processor": f"{type(processor).__name__} {_digest(processor.to_dict())}, PIL",
        "tokenizer": plain.digest,
        "template": sha256(prompts.template.encode()).hexdigest()[:16],
        "generation": f"greedy or Gumbel-max, ends {list(ends.every)}, taught {ends.taught}",
        "dtype": config.dtype,
        "numerics": f"{network.device.type}, attention {architecture._attn_implementation}",
        "code": code_version("torch", "transformers", "tokenizers", "pillow", "numpy"),
    }


def _digest(settings: Any) -> str:
    kept = json.dumps(_kept(settings), sort_keys=True, default=str)
    return sha256(kept.encode()).hexdigest()[:16]


def _kept(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _kept(value[key]) for key in value if key not in PLACES}
    return value

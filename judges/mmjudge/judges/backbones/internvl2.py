"""InternVL2 over Phi-3, such as InternVL2-4B and MMIE-Score, loaded in its original layout."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from mmjudge.judges.backbones.blip_network import architecture_digest
from mmjudge.judges.backbones.checkpoints import read_state_dict
from mmjudge.judges.backbones.dual_encoder import pick_device
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.file_digests import check_sha256
from mmjudge.judges.backbones.generator_network import GeneratorNetwork
from mmjudge.judges.backbones.internvl2_budget import TileBudget
from mmjudge.judges.backbones.internvl2_config import native_config
from mmjudge.judges.backbones.internvl2_files import TOKENIZER, internvl2_files
from mmjudge.judges.backbones.internvl2_network import empty_network, fill_network
from mmjudge.judges.backbones.internvl2_prompt import CONTEXT, CONTROL, END
from mmjudge.judges.backbones.internvl2_replies import Replies
from mmjudge.judges.backbones.internvl2_tokenizer import InternVL2Tokenizer
from mmjudge.judges.backbones.model_files import read_json
from mmjudge.judges.fingerprint import code_version, fingerprint, weights_digest
from mmjudge.judges.operation import Budget

LIBRARIES = ("torch", "transformers", "sentencepiece", "pillow")


@dataclass(frozen=True, slots=True)
class InternVL2Config:
    """Which InternVL2 to load, and how to run it.

    model: a hub's ORG/NAME or a folder, with `config.json` of an `InternVLChatModel` over Phi-3,
    safetensors and the files of its tokenizer.
    revision: commit of a hub model; empty for the one in `published.COMMITS`, else its newest.
    device: `cpu`, `cuda`, `cuda:1`, ... or `auto` for the first GPU if there is one.
    max_batch_items, max_batch_tokens: largest batch; tokens count prompts and answers, padded.
    """

    model: str = "MMIE/MMIE-Score"
    revision: str = ""
    device: str = "auto"
    dtype: Literal["float32", "bfloat16", "float16"] = "bfloat16"
    max_batch_items: int = 8
    max_batch_tokens: int = 32768


class InternVL2:
    """The loaded model, and what its answers depend on.

    context: most tokens of a prompt and its answer. tile: tokens of one tile.
    """

    def __init__(
        self,
        config: InternVL2Config,
        network: GeneratorNetwork,
        tokenizer: InternVL2Tokenizer,
        *,
        context: int,
        tile: int,
        digests: Mapping[str, str],
    ) -> None:
        """`digests` are those of what is no weight."""
        self.network, self.tokenizer, self._config = network, tokenizer, config
        self._context, self._tile = context, tile
        self.provenance: Mapping[str, str] = {
            "weights": weights_digest({"network": network.network}),
            "preprocessing": "InternVL2 tiles, bicubic, not turned",
            **digests,
            "dtype": config.dtype,
            "numerics": f"{network.device.type}, any passes, padded on the left",
            "code": code_version(*LIBRARIES),
        }
        self.told: Mapping[str, str] = {"model": config.model}

    def replies(self, max_new_tokens: int, *, shrinks: bool) -> Replies:
        """The operation that answers, in at most so many tokens; `shrinks` as in `TileBudget`.

        Raises ValueError for an answer that leaves no room for a prompt, or that no batch holds.
        """
        most = min(self._context, self._config.max_batch_tokens) - 1
        if not 1 <= max_new_tokens <= most:
            raise ValueError(
                f"max_new_tokens {max_new_tokens}: expected 1 to {most}, since prompt and answer "
                f"share {most + 1} tokens"
            )
        how = f"{max_new_tokens} new tokens, tiles {'as they fit' if shrinks else 'in full'}"
        return Replies(
            self.network,
            self.tokenizer,
            name=f"{self._config.model}/replies",
            fingerprint=f"{fingerprint(self.provenance)}/replies, {how}",
            budget=Budget(self._config.max_batch_items, self._config.max_batch_tokens),
            tiles=TileBudget(self._context, max_new_tokens, self._tile, shrinks),
        )


def load_internvl2(config: InternVL2Config) -> InternVL2:
    """Load the model that `config` names into transformers' own classes; none of its code is run.

    Raises `BackboneUnavailable`: a hub that does not answer or refuses, files missing, another
    architecture, weights missing, left over or misshapen, a tokenizer of another kind, a device
    that is not here.
    """
    device, dtype = pick_device(config.device), getattr(torch, config.dtype)
    files = internvl2_files(config.model, config.revision)
    settings = read_json(files.config)
    tokenizer = InternVL2Tokenizer(files.tokenizer)
    ids = {name: tokenizer.token(name).id for name in CONTROL}
    native = native_config(settings, ids[CONTEXT], files.what)
    if tokenizer.words > native.text_config.vocab_size:
        raise BackboneUnavailable(
            f"{files.what}: its tokenizer has {tokenizer.words} ids, its network "
            f"{native.text_config.vocab_size}"
        )
    state: dict[str, Tensor] = {}
    for path in files.weights:
        state |= read_state_dict(path)
    network = fill_network(empty_network(native), state, dtype, files.what)
    words = {name: check_sha256(files.tokenizer / name, "") for name in TOKENIZER}
    return InternVL2(
        config,
        GeneratorNetwork(network, device, [ids[END]], ids[END]),
        tokenizer,
        context=native.text_config.original_max_position_embeddings,
        tile=native.image_seq_length,
        digests={"architecture": architecture_digest(native), **words},
    )

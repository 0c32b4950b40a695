"""Which files of an InternVL2 are read: config, weights, tokenizer; never its code."""

from pathlib import Path
from typing import NamedTuple

from mmjudge.judges.backbones.model_files import FOLDER, ModelFiles, read_json
from mmjudge.judges.backbones.transformers_files import CONFIG, INDEX, WEIGHTS

TOKENIZER = ("tokenizer.model", "tokenizer_config.json")
GATED = (
    "a gated model needs its terms accepted on its page, and an account's token by `hf auth login` "
    "or HF_TOKEN"
)


class InternVL2Files(NamedTuple):
    """Where an InternVL2 was found: its name for messages, its parts, and all files that are read.

    tokenizer: the folder of its files.
    """

    what: str
    config: Path
    weights: list[Path]
    tokenizer: Path
    read: list[Path]


def internvl2_files(name: str, revision: str) -> InternVL2Files:
    """Files of a folder or of a hub's ORG/NAME at a commit, fetched where needed.

    Raises `BackboneUnavailable`: a hub that does not answer or refuses, files missing.
    """
    files = ModelFiles(name, revision, f"{GATED}; {FOLDER}")
    config, first = files.need(CONFIG), files.need(WEIGHTS, INDEX)
    weights = [first]
    if first.name == INDEX:
        shards = read_json(first).get("weight_map", {}).values()
        weights = [files.need(shard) for shard in sorted(set(shards))]
    words = [files.need(file) for file in TOKENIZER]
    read = list(dict.fromkeys([config, first, *weights, *words]))
    return InternVL2Files(files.what, config, weights, words[0].parent, read)

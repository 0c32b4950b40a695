"""Which files transformers reads of a model: weights, image processor, tokenizer."""

from pathlib import Path
from typing import NamedTuple

from mmjudge.judges.backbones.model_files import ModelFiles, model_files, read_json
from mmjudge.judges.backbones.published import PROCESSORS

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
PICTURES = ("preprocessor_config.json", "processor_config.json")
# Each of the first is a vocabulary, and one is enough.
VOCABULARIES = (
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "tokenizer.model",
    "sentencepiece.bpe.model",
)
TOKENIZER = ("tokenizer_config.json", "merges.txt", "special_tokens_map.json", "added_tokens.json")
INSTEAD = "transformers:PATH, local-dir:PATH and photo-lite need no model hub"
NEEDED = "a model without these files needs a processor, whose files it was trained with"


class TransformersFiles(NamedTuple):
    """Folders to load a model and its processing from, and all files that are read there."""

    model: Path
    processing: Path
    files: list[Path]


def fetch_transformers(name: str, revision: str, processor: str) -> TransformersFiles:
    """Files of `transformers:` models: config, safetensors, image processor and tokenizer.

    The arguments are those of `load_transformers_tower`.

    Raises `BackboneUnavailable` for a hub that does not answer, and files missing.
    """
    files = ModelFiles(name, revision, INSTEAD)
    files.what = f"transformers:{files.what}"
    config = files.need(CONFIG)
    weights = [files.need(WEIGHTS, INDEX)]
    if weights[0].name == INDEX:
        shards = read_json(weights[0]).get("weight_map", {}).values()
        weights += [files.need(shard) for shard in sorted(set(shards))]
    elsewhere = processor or PROCESSORS.get(name, "")
    reader = model_files(elsewhere, INSTEAD) if elsewhere else files
    if elsewhere:
        reader.what = f"processor {reader.what} of {files.what}"
    reader.hint = NEEDED
    read = processing_files(reader)
    return TransformersFiles(config.parent, read[0].parent, [config, *weights, *read])


def processing_files(files: ModelFiles) -> list[Path]:
    """Fetch an image processor and a tokenizer; raises `BackboneUnavailable` if one is missing."""
    return [files.need(*PICTURES), *files.find(*PICTURES), *tokenizer_files(files)]


def tokenizer_files(files: ModelFiles) -> list[Path]:
    """Fetch a tokenizer, and config.json, which says whose it is.

    Raises `BackboneUnavailable` where there is no vocabulary, of which transformers would make an
    empty tokenizer.
    """
    first = files.need(*VOCABULARIES)
    return [first, *files.find(*VOCABULARIES, *TOKENIZER, CONFIG)]

"""Which files transformers reads of a vision-language model."""

from mmjudge.judges.backbones.generator_config import GeneratorConfig
from mmjudge.judges.backbones.model_files import ModelFile, ModelFiles, read_json
from mmjudge.judges.backbones.transformers_files import CONFIG, INDEX, WEIGHTS, processing_files

# Beside an image processor and a tokenizer; which of them there are differs from model to model.
CHAT = (
    "generation_config.json",
    "chat_template.jinja",
    "chat_template.json",
    "video_preprocessor_config.json",
)
INSTEAD = "a folder with its files, or an endpoint that serves it, needs no model hub"


def generator_files(config: GeneratorConfig) -> list[ModelFile]:
    """Fetch config, weights and processing of a model, config first; of an endpoint nothing.

    Raises `BackboneUnavailable`: a hub that does not answer, files missing (weights must be
    safetensors).
    """
    if config.endpoint:
        return []
    files = ModelFiles(config.model, config.revision, INSTEAD)
    described = files.need(CONFIG)
    weights = [files.need(WEIGHTS, INDEX)]
    if weights[0].name == INDEX:
        shards = read_json(weights[0]).get("weight_map", {}).values()
        weights += [files.need(shard) for shard in sorted(set(shards))]
    read = [*processing_files(files), *files.find(*CHAT)]
    return [ModelFile(path) for path in dict.fromkeys([described, *weights, *read])]

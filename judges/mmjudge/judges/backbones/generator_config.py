"""Which generator to load or to ask, and how."""

from dataclasses import dataclass, fields
from typing import Literal

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.generator import GeneratorBackbone

# Settings that mean something in one place only.
IN_PROCESS = ("revision", "device", "dtype", "max_batch_items", "max_batch_tokens")
AT_ENDPOINT = ("api_key_env", "api_key_file", "concurrency", "timeout", "retries")


@dataclass(frozen=True, slots=True)
class GeneratorConfig:
    """A vision-language model: in this process by transformers, or behind an endpoint.

    model: ORG/NAME or a folder of an AutoModelForImageTextToText with its processor; with
    `endpoint`, the name by which the endpoint knows it.
    max_images: most images in a question; 0 for as many as the model and its context take.
    context_length: most tokens of question and answer; 0 for as many as the model says it has
    (an endpoint refuses by itself).

    In this process:
    revision: commit of a hub model; empty for the one in `published.COMMITS`, else its newest.
    device: `cpu`, `cuda`, `cuda:1`, ... or `auto` for the first GPU if there is one.
    max_batch_items, max_batch_tokens: largest batch; tokens count questions and answers, padded.

    At an endpoint:
    endpoint: base URL of an OpenAI-compatible server, such as `http://127.0.0.1:8000/v1`.
    api_key_env, api_key_file: environment variable or file that holds the key; one of them, or
    neither for a server that asks for none.
    concurrency: requests in flight at a time. timeout: seconds for one of them. retries: further
    attempts after a failure that may pass.
    """

    model: str = "Qwen/Qwen2.5-VL-7B-Instruct"
    max_images: int = 0
    context_length: int = 0
    revision: str = ""
    device: str = "auto"
    dtype: Literal["float32", "bfloat16", "float16"] = "bfloat16"
    max_batch_items: int = 16
    max_batch_tokens: int = 65536
    endpoint: str = ""
    api_key_env: str = ""
    api_key_file: str = ""
    concurrency: int = 16
    timeout: float = 120.0
    retries: int = 4


def load_generator(config: GeneratorConfig) -> GeneratorBackbone:
    """Load the model, or make a client of its endpoint.

    Raises `BackboneUnavailable`: what the model or endpoint lacks, or a setting that does not
    belong to the place where the model runs.
    """
    default = GeneratorConfig()
    strange = IN_PROCESS if config.endpoint else AT_ENDPOINT
    for field in fields(config):
        if field.name in strange and getattr(config, field.name) != getattr(default, field.name):
            place = "not with an endpoint" if config.endpoint else "only with an endpoint"
            raise BackboneUnavailable(f"{field.name}: means something {place}; remove one of them")
    if config.endpoint:
        from mmjudge.judges.backbones.chat_endpoint import ChatEndpoint

        return ChatEndpoint(config)
    from mmjudge.judges.backbones.transformers_generator import load_transformers_generator

    return load_transformers_generator(config)

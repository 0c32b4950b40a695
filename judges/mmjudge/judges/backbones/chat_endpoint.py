"""The backbone of judges whose model is behind an OpenAI-compatible endpoint."""

import math
from collections.abc import Mapping
from urllib.parse import urlsplit

from mmjudge.judges.backbones.chat_flights import Flights
from mmjudge.judges.backbones.chat_generator import TOP_LOGPROBS, ChatGenerator
from mmjudge.judges.backbones.chat_key import read_key
from mmjudge.judges.backbones.chat_requests import ChatRequests
from mmjudge.judges.backbones.chat_retries import Chance
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.generator import Generator
from mmjudge.judges.backbones.generator_config import GeneratorConfig
from mmjudge.judges.fingerprint import code_version
from mmjudge.judges.judge import Host


class ChatEndpoint:
    """Implements `GeneratorBackbone` over vLLM, SGLang, OpenAI, ...; asks nothing when constructed.

    Raises `BackboneUnavailable`: the `openai` package is missing, the key cannot be had, or a
    setting makes no sense. It is used on one event loop, and closed there by `aclose`.
    """

    family = "endpoint"

    def __init__(self, config: GeneratorConfig, chance: Chance | None = None) -> None:
        try:
            import openai  # noqa: F401 - takes long: here, and not later on the event loop
        except ImportError as error:
            raise BackboneUnavailable(
                f"endpoint: the package openai cannot be imported ({error}); "
                "pip install 'mmjudge[chat]'"
            ) from error
        _check(config)
        key = read_key(config)
        self._config = config
        self._flights = Flights()
        self._requests = ChatRequests(config, key, chance or Chance())
        self._generator = ChatGenerator(self._requests, self._flights, key, config.max_images)

    @property
    def provenance(self) -> Mapping[str, str]:
        """The model by the endpoint's name for it, and how it is asked."""
        return {
            "model": self._config.model,
            "endpoint": self._config.endpoint,
            "top_logprobs": str(TOP_LOGPROBS),
            "code": code_version(),
        }

    @property
    def told(self) -> Mapping[str, str]:
        """Where it is; nothing is known of the weights there."""
        return {"source": self._config.endpoint}

    def check_single_tokens(self, answers: tuple[str, ...]) -> None:
        """Do nothing: the endpoint's tokenizer is out of reach."""

    def serve(self, host: Host) -> Generator:
        """Return the one generator of this endpoint; it needs none of the host's devices."""
        return self._generator

    async def aclose(self) -> None:
        """Fail what is in flight with `Unavailable`, and close all connections."""
        await self._flights.aclose()
        await self._requests.aclose()


def _check(config: GeneratorConfig) -> None:
    try:
        url = urlsplit(config.endpoint)
        usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    # Not repeated in the message: what is wrong with it may be a password.
    if not usable or not config.endpoint.isprintable() or " " in config.endpoint:
        raise BackboneUnavailable(
            "endpoint: no URL of a server; expected one such as http://127.0.0.1:8000/v1"
        )
    if url.username is not None or url.password is not None or url.query or url.fragment:
        raise BackboneUnavailable(
            "endpoint: a user, password or query in the URL would show in logs and fingerprints; "
            "remove it, and give the key by api_key_env or api_key_file"
        )
    if not config.model:
        raise BackboneUnavailable("model: is empty; expected the endpoint's name for its model")
    for name, least in (("concurrency", 1), ("retries", 0), ("max_images", 0)):
        if (number := getattr(config, name)) < least:
            raise BackboneUnavailable(f"{name}: {number}, expected at least {least}")
    if not 0 < config.timeout < math.inf:
        raise BackboneUnavailable(f"timeout: {config.timeout}, expected seconds above 0")

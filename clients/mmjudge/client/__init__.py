"""The Python client: `Client`, or `AsyncClient` in an event loop; importing it never imports torch.

    with Client("127.0.0.1:50051") as client:
        scores = client.score(images, texts, judges="clip")

`score` takes images (PIL, uint8 arrays, bytes, paths) and texts, pair by pair; `token_rewards` and
`step_rewards` go by the caller's own tokens and sentences; `judge` and `stream` take whole items:
interleaved prompts, groups of candidates, token spans. `preference_pairs` makes training data of
scores.
"""

from mmjudge.client import errors
from mmjudge.client.async_client import AsyncClient
from mmjudge.client.failing import OnFailedRow, OnFailure
from mmjudge.client.grpc_transport import GrpcTransport
from mmjudge.client.local import LocalClient
from mmjudge.client.media import ImageLike
from mmjudge.client.preference_formats import preference_dataset, write_preferences
from mmjudge.client.preferences import Preference, Preferences, preference_pairs
from mmjudge.client.results import Scores, Verdicts
from mmjudge.client.retrying import Retries
from mmjudge.client.rewards import StepRewards, TokenRewards
from mmjudge.client.splitting import PartSize
from mmjudge.client.sync_client import Client
from mmjudge.client.token_offsets import byte_spans
from mmjudge.client.transport import Transport
from mmjudge.contract import (
    Abstention,
    AbstentionReason,
    Candidate,
    EncodedImage,
    Error,
    ErrorCode,
    Hosting,
    ImageDigest,
    ImageUri,
    Item,
    JudgeInfo,
    Judgement,
    Limits,
    PixelImage,
    Score,
    Timing,
    Verdict,
    Want,
)

__all__ = [
    "Abstention",
    "AbstentionReason",
    "AsyncClient",
    "Candidate",
    "Client",
    "EncodedImage",
    "Error",
    "ErrorCode",
    "GrpcTransport",
    "Hosting",
    "ImageDigest",
    "ImageLike",
    "ImageUri",
    "Item",
    "JudgeInfo",
    "Judgement",
    "Limits",
    "LocalClient",
    "OnFailedRow",
    "OnFailure",
    "PartSize",
    "PixelImage",
    "Preference",
    "Preferences",
    "Retries",
    "Score",
    "Scores",
    "StepRewards",
    "Timing",
    "TokenRewards",
    "Transport",
    "Verdict",
    "Verdicts",
    "Want",
    "byte_spans",
    "errors",
    "preference_dataset",
    "preference_pairs",
    "write_preferences",
]

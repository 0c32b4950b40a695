"""Items and judges of `token_alignment` that several tests ask about."""

import numpy as np
from numpy.typing import NDArray
from tests.judges.direct_host import DirectHost

from mmjudge.contract.images import PixelImage
from mmjudge.contract.items import Candidate, Item
from mmjudge.judges.backbones.dual_encoder import DualEncoderConfig
from mmjudge.judges.token_alignment import TokenAlignmentJudge
from mmjudge.judges.token_alignment_options import TokenAlignmentOptions

HOST = DirectHost()
RNG = np.random.default_rng(0)
IMAGES = [
    PixelImage(RNG.integers(0, 256, (*shape, 3), np.uint8))
    for shape in ((40, 60), (64, 64), (90, 31))
]
TEXT = "A tabby cat, on 2 wooden tables."


def item(image: PixelImage, *texts: str, spans: NDArray[np.int32] | None = None) -> Item:
    return Item(["What is this?", image], [Candidate([text], spans) for text in texts])


def make(options: TokenAlignmentOptions, model: str = "photo-lite") -> TokenAlignmentJudge:
    return TokenAlignmentJudge("it", options, DualEncoderConfig(model), HOST)

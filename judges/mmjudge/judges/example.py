"""Items that every judge of images and texts can score, to warm up with."""

from dataclasses import replace

import numpy as np

from mmjudge.contract.images import PixelImage
from mmjudge.contract.items import Candidate, Item


def _square(grey: int) -> Candidate:
    return Candidate([PixelImage(np.full((64, 64, 3), grey, np.uint8))])


GREY_SQUARE = Item(
    prompt=["a grey square"],
    candidates=[_square(128)],
    references=[["a square of grey"]],
)
TWO_SQUARES = replace(GREY_SQUARE, candidates=[_square(128), _square(16)])

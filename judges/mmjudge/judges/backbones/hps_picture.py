"""How HPS v2 sees a picture: whole, its longest side scaled, on black."""

import numpy as np
import torch
from PIL import Image as PIL
from torch import Tensor
from torch.nn.functional import interpolate, pad

# OpenAI's, which the model was trained with.
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


def hps_picture(picture: PIL.Image, side: int) -> Tensor:
    """Picture of any mode -> float32 `[3, side, side]`, normalised.

    As `hpsv2` does with torchvision from 0.17 on: RGB, scaled to 0..1, then the longest side is
    resized to `side` on the float tensor (bicubic, antialiased, its overshoot not clamped), black
    is put around it, the odd pixel at the right and the bottom, and only then is it normalised.

    Two kinds of picture on which upstream's network fails are treated like all others here: one
    with alpha keeps the colours under it and loses the alpha, and one that is not square and whose
    longest side is `side` already gets its black.
    """
    rgb = torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1)
    pixels = rgb.contiguous().float().div(255)
    height, width = pixels.shape[1:]
    scale = side / float(max(height, width))
    if scale != 1.0:
        # A side is never nothing, however thin the picture.
        height, width = (max(1, round(length * scale)) for length in (height, width))
        pixels = interpolate(
            pixels.unsqueeze(0),
            size=(height, width),
            mode="bicubic",
            align_corners=False,
            antialias=True,
        )[0]
    left, top = (side - width) // 2, (side - height) // 2
    padded = pad(pixels, (left, side - width - left, top, side - height - top))
    return padded.sub(torch.tensor(MEAN).view(3, 1, 1)).div(torch.tensor(STD).view(3, 1, 1))

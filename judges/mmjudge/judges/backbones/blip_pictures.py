"""What BLIP models see of a picture: the rules they were trained with, exact as with PIL."""

import json
from typing import Any

import torch
from PIL import Image as PIL
from torch import Tensor

# Of OpenAI's CLIP, which BLIP and ImageReward took over.
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


class CroppedPictures:
    """Short side to `side`, the middle square cut out, and only then RGB (ImageReward).

    To the bit torchvision's Resize, CenterCrop, ToTensor and Normalize. The order matters where PIL
    resizes by mode: a palette without interpolation, colours weighted by their alpha.
    """

    def __init__(self, side: int) -> None:
        self._side = side
        self.description = (
            f"resize short side {side} bicubic (PIL); centre crop {side}; then RGB, alpha dropped; "
            f"mean {MEAN} std {STD}"
        )

    def __call__(self, picture: PIL.Image) -> Tensor:
        """Picture of any mode -> float32 `[3, side, side]` on the CPU."""
        side = self._side
        width, height = (side * length // min(picture.size) for length in picture.size)
        resized = picture.resize((width, height), PIL.Resampling.BICUBIC)
        left, top = round((width - side) / 2), round((height - side) / 2)
        square = resized.crop((left, top, left + side, top + side)).convert("RGB")
        pixels = torch.frombuffer(bytearray(square.tobytes()), dtype=torch.uint8)
        scaled = pixels.view(side, side, 3).permute(2, 0, 1).contiguous().float().div(255)
        mean, std = (torch.tensor(numbers).view(3, 1, 1) for numbers in (MEAN, STD))
        return scaled.sub(mean).div(std)


class ProcessedPictures:
    """RGB with the colours under transparent pixels kept, then transformers' image processor.

    As transformers did until 4.x; transformers 5 pastes pictures with alpha on white.
    """

    def __init__(self, processor: Any) -> None:
        """Take over an image processor of the PIL backend."""
        self._processor = processor
        line = json.dumps(processor.to_dict(), sort_keys=True)
        self.description = f"RGB, alpha dropped; transformers {line}"

    def __call__(self, picture: PIL.Image) -> Tensor:
        """Picture of any mode -> float32 `[3, height, width]` on the CPU."""
        batch = self._processor(images=picture.convert("RGB"), return_tensors="pt")
        pixels: Tensor = batch["pixel_values"][0]
        return pixels

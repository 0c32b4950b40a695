"""A copy of an item with noise on the images that a judge reads."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace

from mmjudge.contract.errors import invalid
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.contract.info import Input
from mmjudge.contract.items import Item, Part
from mmjudge.judges.operation import Compute
from mmjudge.judges.pairing import located

Noised = Compute[EncodedImage | PixelImage, PixelImage]


async def noisy_item(item: Item, reads: Collection[Input], noised: Noised) -> Item:
    """Replace the images of the prompt and of the candidates, whichever are among `reads`.

    References stay as they are. Raises `ItemError` IMAGE_EXPECTED where there is nothing to
    replace, or as `noised` does, with the path of the image.
    """
    read: dict[str, Sequence[Part]] = {}
    if Input.PROMPT_IMAGE in reads:
        read["prompt"] = item.prompt
    if Input.CANDIDATE_IMAGE in reads:
        read |= {_path(index): one.parts for index, one in enumerate(item.candidates)}
    if not any(_is_image(part) for parts in read.values() for part in parts):
        raise invalid("IMAGE_EXPECTED", "no image to put noise on", next(iter(read), ""))
    found = await asyncio.gather(*(_noisy(parts, path, noised) for path, parts in read.items()))
    noisy = dict(zip(read, found, strict=True))
    candidates = [
        replace(one, parts=noisy.get(_path(index), one.parts))
        for index, one in enumerate(item.candidates)
    ]
    return replace(item, prompt=noisy.get("prompt", item.prompt), candidates=candidates)


async def _noisy(parts: Sequence[Part], path: str, noised: Noised) -> list[Part]:
    async def copy(part: Part, index: int) -> Part:
        if not isinstance(part, EncodedImage | PixelImage):
            return part
        return (await located(f"{path}[{index}].image", noised(part))).value

    return await asyncio.gather(*(copy(part, index) for index, part in enumerate(parts)))


def _is_image(part: Part) -> bool:
    return isinstance(part, EncodedImage | PixelImage)


def _path(index: int) -> str:
    return f"candidates[{index}].parts"

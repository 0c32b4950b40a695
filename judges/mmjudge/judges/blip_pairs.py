"""A pair through BLIP: the image encoded, then the text read while looking at it."""

import numpy as np
from numpy.typing import NDArray

from mmjudge.contract.verdicts import Note
from mmjudge.judges.backbones.blip import Blip
from mmjudge.judges.backbones.blip_fusion import ImageText
from mmjudge.judges.backbones.text_encoding import Text, WhenLong
from mmjudge.judges.judge import Host
from mmjudge.judges.pairing import Pair, located


class PairReader:
    """What a BLIP's head says of a pair; an image is encoded once for all texts to it."""

    def __init__(self, blip: Blip, long_text: WhenLong, host: Host) -> None:
        blip.keep_tokens()
        self._image, self._read = host.serve(blip.images), host.serve(blip.pairs)
        self._long_text = long_text

    async def __call__(self, pair: Pair) -> tuple[NDArray[np.float32], list[Note]]:
        """The head's outputs, float32 `[outputs]`, and the notes on both parts.

        Raises `ItemError` with the path of the part at fault.
        """
        image = await located(pair.image_path, self._image(pair.image))
        text = Text(pair.text, self._long_text)
        both = ImageText(pair.image.digest, image.value, text)
        outputs = await located(pair.text_path, self._read(both))
        notes = [note.at(pair.image_path) for note in image.notes]
        notes += [note.at(pair.text_path) for note in outputs.notes]
        return outputs.value, notes

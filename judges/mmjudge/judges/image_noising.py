"""The operation that makes noisy copies of images: on CPU threads, cached, bounded by a server."""

import numpy as np

from mmjudge.contract.image_files import open_image
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.judges.diffusion_noise import Schedule, noisy_copy
from mmjudge.judges.fingerprint import code_version, fingerprint
from mmjudge.judges.operation import Budget, Prepared


class ImageNoising:
    """Image -> `PixelImage`, a copy of the upright picture with noise on it."""

    name = "noise/copies"
    device = "cpu"
    # Few, since each holds a whole picture: what waits for the device is a multiple of it.
    budget = Budget(items=2, cost=2)

    def __init__(self, schedule: Schedule, step: int, seed: str) -> None:
        """Raises ValueError for a step that the schedule does not have; `seed` as `noisy_copy`."""
        self._kept, self._sigma = schedule.at(step)
        self._seed = seed
        # The settings, not what follows from them, whose last bit another machine may round apart.
        self.provenance = {
            "noise": f"diffusion step {step} of {schedule.steps}, sigmoid betas "
            f"{schedule.beta_first!r} to {schedule.beta_last!r}, clamped, rounded",
            "noise seed": seed,
            "noise code": code_version("numpy", "pillow"),
        }
        self.fingerprint = fingerprint(self.provenance)

    def key(self, image: EncodedImage | PixelImage) -> bytes:
        """The image's digest."""
        return image.digest

    def prepare(self, image: EncodedImage | PixelImage) -> Prepared[PixelImage]:
        """Decode, turn upright and add noise; raises `ItemError` as `open_image` does."""
        opened = open_image(image)
        pixels = PixelImage(np.asarray(opened.picture.convert("RGB")))
        copy = noisy_copy(pixels, self._kept, self._sigma, self._seed)
        _ = copy.digest  # kept by the copy: it takes time, and is next asked for on the event loop
        return Prepared(copy, 1, opened.notes)

    def forward(self, payloads: list[PixelImage]) -> list[PixelImage]:
        """Nothing is left to do on a device."""
        return payloads

    def size(self, output: PixelImage) -> int:
        """Bytes of the pixels."""
        return output.pixels.nbytes

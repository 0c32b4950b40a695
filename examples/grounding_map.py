"""Where in a photograph the words of a caption are seen: token rewards, and their grounding maps.

    python examples/grounding_map.py [PHOTO.png PHRASE...] [--output grounding.png]

Each phrase is embedded by itself and compared with the patches of the photograph; its reward is the
cosine with the best patch. The encoder is the small one that comes with mmjudge: expect the right
region, not the right outline.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from mmjudge.judges.backbones.dual_encoder import DualEncoderConfig, load_dual_encoder
from mmjudge.judges.backbones.tower import Tower
from mmjudge.kernels import grounding_map, token_image_reward

PHOTO = Path(__file__).parent / "photos" / "astronaut.png"
PHRASES = ("a helmet", "a space shuttle", "a flag", "a teapot")


@torch.inference_mode()
def features(tower: Tower, photo: Image.Image, phrases: list[str]) -> tuple[Tensor, Tensor]:
    """One feature a phrase `[phrases, dim]`, and the photograph's patches `[patches, dim]`."""
    pixels = [part.unsqueeze(0) for part in tower.preprocess(photo)]
    _, patches = tower.encode_images(*pixels)
    if patches is None:
        raise SystemExit("this encoder has no features by patch")
    rows = []
    for phrase in phrases:
        ids = tower.tokenize(f"a photo of {phrase}")
        padded = ids + [tower.pad_id] * (tower.text_lengths[-1] - len(ids))
        mask = torch.arange(len(padded)) < len(ids)
        embedding, _ = tower.encode_texts(torch.tensor([padded]), mask.unsqueeze(0))
        rows.append(embedding[0])
    return torch.stack(rows), patches[0]


def draw(
    picture: NDArray[np.uint8], phrases: list[str], maps: Tensor, best: Tensor, rewards: Tensor
) -> None:
    """The photograph, then a panel a phrase: its map over the photograph, the best patch framed."""
    side = picture.shape[0]
    cell = side / maps.shape[-1]
    figure, panels = plt.subplots(
        1, 1 + len(phrases), figsize=(2.6 * (1 + len(phrases)), 3.1), layout="constrained"
    )
    panels[0].imshow(picture)
    panels[0].set_title("photograph")
    for panel, phrase, scores, patch, reward in zip(
        panels[1:], phrases, maps, best, rewards, strict=True
    ):
        panel.imshow(picture.mean(2), cmap="gray")
        shown = panel.imshow(
            scores, cmap="cividis", alpha=0.6, vmin=0, vmax=0.3, extent=(0, side, side, 0)
        )
        row, column = divmod(int(patch), maps.shape[-1])
        frame = plt.Rectangle(
            (column * cell, row * cell), cell, cell, fill=False, color="white", linewidth=2.5
        )
        panel.add_patch(frame)
        panel.set_title(f"{phrase}: {float(reward):.2f}")
    for panel in panels:
        panel.axis("off")
    figure.colorbar(shown, ax=panels, shrink=0.8, label="cosine")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", nargs="?", type=Path, default=PHOTO)
    parser.add_argument("phrases", nargs="*", default=list(PHRASES))
    parser.add_argument("--output", type=Path, default=Path("grounding.png"))
    options = parser.parse_args()
    tower = load_dual_encoder(DualEncoderConfig(device="cpu")).tower
    photo = Image.open(options.photo).convert("RGB")
    side = min(photo.size)
    left, top = (photo.width - side) // 2, (photo.height - side) // 2
    photo = photo.crop((left, top, left + side, top + side))  # what the encoder looks at

    tokens, patches = features(tower, photo, options.phrases)
    reward = token_image_reward(tokens[None], patches[None], return_argmax=True)
    # Each phrase as a text of its own against every patch: the scores that the maximum is over.
    scores = (
        torch.nn.functional.normalize(tokens, dim=1)
        @ torch.nn.functional.normalize(patches, dim=1).T
    )
    assert tower.grid is not None and reward.argmax is not None
    maps = grounding_map(scores, tower.grid)
    draw(np.asarray(photo), options.phrases, maps, reward.argmax[0], reward.values[0])
    plt.savefig(options.output, dpi=110)
    for phrase, value, patch in zip(
        options.phrases, reward.values[0], reward.argmax[0], strict=True
    ):
        print(f"{float(value):6.3f}  {phrase}  (patch {int(patch)})")


if __name__ == "__main__":
    main()

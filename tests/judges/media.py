"""What is no picture: judges of pictures refuse each with a reason, and nothing is scored."""

from io import BytesIO

from PIL import Image as PIL
from tests.judges.golden_models import refusal

from mmjudge.client import LocalClient
from mmjudge.contract.images import EncodedImage
from mmjudge.contract.items import Candidate, Item

# The first box of an MP4 file.
VIDEO = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(100)
SOUND = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(100)


def animation() -> bytes:
    """A GIF of two frames."""
    frames = [PIL.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    file = BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=100)
    return file.getvalue()


def refuses_other_media(client: LocalClient, judge: str) -> None:
    """Assert that a judge of candidates' images names the part that is no picture, and why."""
    field = "candidates[0].parts[0].image"
    for data, reason, told in [
        (VIDEO, "IMAGE_UNDECODABLE", "expected one of"),
        (SOUND, "IMAGE_UNDECODABLE", "expected one of"),
        (animation(), "IMAGE_ANIMATED", "send the frame to be judged"),
    ]:
        error = refusal(client, judge, Item(["a cat"], [Candidate([EncodedImage(data)])] * 2))
        assert (error.reason, error.field) == (reason, field)
        assert told in error.message

import base64
from io import BytesIO

from PIL import Image

from mmjudge.bench.report.thumbnails import LONGEST_SIDE, NOT_AT_HAND, Thumbnails, thumbnail


def picture(size: tuple[int, int], colour: str = "red", *, turned: bool = False) -> bytes:
    data, exif = BytesIO(), Image.Exif()
    if turned:
        exif[274] = 6
    Image.new("RGBA", size, colour).convert("RGB").save(data, "JPEG", exif=exif)
    return data.getvalue()


def opened(uri: str) -> Image.Image:
    kind, _, data = uri.partition(",")
    assert kind == "data:image/jpeg;base64"
    return Image.open(BytesIO(base64.b64decode(data)))


def test_a_thumbnail_is_small_and_keeps_its_shape() -> None:
    assert opened(thumbnail(picture((1280, 640)))).size == (LONGEST_SIDE, LONGEST_SIDE // 2)


def test_a_small_picture_is_not_enlarged() -> None:
    assert opened(thumbnail(picture((20, 10)))).size == (20, 10)


def test_a_turned_photograph_stands_upright() -> None:
    assert opened(thumbnail(picture((200, 100), turned=True))).size == (100, 200)


def test_each_distinct_picture_is_kept_once() -> None:
    stored = {"a": picture((9, 9)), "b": picture((9, 9), "blue"), "again": picture((9, 9))}
    thumbnails = Thumbnails(stored.get)
    assert [thumbnails.place(name) for name in stored] == [0, 1, 0]
    assert len(thumbnails.uris) == 2


def test_a_picture_that_is_not_at_hand_says_how_to_see_it() -> None:
    assert Thumbnails(lambda name: None).place("a") == NOT_AT_HAND
    assert "--data" in NOT_AT_HAND


def test_a_broken_picture_says_so_and_harms_no_other() -> None:
    stored = {"broken": b"no image", "whole": picture((9, 9))}
    thumbnails = Thumbnails(stored.get)
    assert "cannot be opened" in str(thumbnails.place("broken"))
    assert thumbnails.place("whole") == 0

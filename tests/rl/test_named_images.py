"""Images named in a column that a trainer passes."""

import pytest

from mmjudge.rl.named_images import named_image


def test_a_path_is_the_image_itself() -> None:
    assert named_image("cats/1.png", "image", "label") == "cats/1.png"


def test_a_mapping_or_a_json_object_has_it_under_the_key() -> None:
    assert named_image({"photo": b"..."}, "photo", "label") == b"..."
    assert named_image(' {"photo": "1.png", "answer": "a cat"}', "photo", "label") == "1.png"


def test_an_object_without_the_key_says_what_it_has() -> None:
    with pytest.raises(ValueError, match=r"label of sample 3 has \['answer'\], expected 'image'"):
        named_image('{"answer": "a cat"}', "image", "label of sample 3")
    with pytest.raises(ValueError, match=r"extra_info has \['image'\], expected 'image'"):
        named_image({"image": None}, "image", "extra_info")


def test_broken_json_is_not_taken_for_a_path() -> None:
    with pytest.raises(ValueError, match="label begins like JSON and is not"):
        named_image('{"image": ', "image", "label")


@pytest.mark.parametrize("value", [None, 3, "", "  "])
def test_nothing_is_not_an_image(value: object) -> None:
    with pytest.raises(TypeError, match="label is .* expected an image's path"):
        named_image(value, "image", "label")

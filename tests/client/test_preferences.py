import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.client.test_results import FAILED, judged, of

from mmjudge.client import (
    ImageLike,
    ImageUri,
    Preferences,
    Scores,
    preference_dataset,
    preference_pairs,
    write_preferences,
)

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = [ROOT / "examples" / "photos" / name for name in ("coffee.png", "chelsea.png")]
PROMPTS = ["What is this?", "Und das?"]
ANSWERS = [["a lighthouse", "a cup of espresso", "a cup"], ["a dog", "eine Kätzin"]]
SCORES = [[0.1, 0.9, 0.5], [-2.0, 1.0]]


def pairs(scores: Any = SCORES, **options: Any) -> Preferences:
    return preference_pairs(PROMPTS, PHOTOS, ANSWERS, scores, **options)


def test_the_best_and_the_worst() -> None:
    found = pairs()
    assert len(found) == 2 and (found.ties, found.failed) == (0, 0)
    first, second = found
    assert (first.chosen, first.rejected) == ("a cup of espresso", "a lighthouse")
    assert (first.chosen_score, first.rejected_score) == (0.9, 0.1)
    assert (second.id, second.prompt, second.image) == ("1", "Und das?", PHOTOS[1])
    assert second.chosen == "eine Kätzin" and found[1] is second


@pytest.mark.parametrize("form", ["lists", "arrays", "flat", "scores", "verdicts", "matrix"])
def test_scores_in_every_form(form: str) -> None:
    flat = [value for group in SCORES for value in group]
    match form:
        case "arrays":
            found = pairs([np.array(group) for group in SCORES])
        case "flat":
            found = pairs(np.array(flat, np.float32))
        case "scores":
            found = pairs(Scores.of(of(*map(judged, flat))))
        case "verdicts":
            found = pairs(of(*(judged(*group) for group in SCORES), counts=(3, 2)))
        case "matrix":
            two = [answers[:2] for answers in ANSWERS]
            matrix = np.array([group[:2] for group in SCORES])
            found = preference_pairs(PROMPTS, PHOTOS, two, matrix)
        case _:
            found = pairs()
    assert [pair.chosen for pair in found] == ["a cup of espresso", "eine Kätzin"]
    assert [pair.rejected for pair in found] == ["a lighthouse", "a dog"]


def test_candidates_without_a_score_are_left_out() -> None:
    found = pairs([[0.1, np.nan, 0.5], [np.nan, 1.0]])
    assert [(pair.chosen, pair.rejected) for pair in found] == [("a cup", "a lighthouse")]
    assert (found.ties, found.failed) == (0, 1)
    assert pairs(of(judged(1, 2, 3), FAILED, counts=(3, 2)).check("nan")).failed == 1


def test_ties_are_counted_and_a_margin_makes_more_of_them() -> None:
    assert pairs([[0.5, 0.5, 0.5], [-2.0, 1.0]]).ties == 1
    assert pairs(margin=0.5).ties == 0
    found = pairs(margin=1.0)
    assert (len(found), found.ties) == (1, 1)
    assert pairs(margin=3.0).pairs == ()  # as far apart as the margin is a tie still


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((PROMPTS, PHOTOS[:1], ANSWERS, SCORES), "1 images for 2 prompts"),
        ((PROMPTS, PHOTOS, ANSWERS[:1], SCORES), "1 candidates for 2 prompts"),
        ((PROMPTS, PHOTOS, ANSWERS, SCORES[:1]), "scores of 1 groups for 2 prompts"),
        ((PROMPTS, PHOTOS, ANSWERS, [[1, 2], [1, 2]]), r"scores\[0\] has shape \[2\].*\[3\]"),
        ((PROMPTS, PHOTOS, ANSWERS, np.zeros(4)), "4 scores for 5 candidates"),
        ((["<image>\nx", "y"], PHOTOS, ANSWERS, SCORES), r"prompts\[0\] has <image> in it"),
    ],
)
def test_what_does_not_fit(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        preference_pairs(*arguments)


def test_options_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="1 ids for 2 prompts"):
        pairs(ids=["a"])
    for margin in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="margin is"):
            pairs(margin=margin)


def test_the_file_has_the_shared_schema(tmp_path: Path) -> None:
    path = tmp_path / "pairs.json"
    write_preferences(path, pairs(ids=["a", "b"]))
    first, second = json.loads(path.read_text(encoding="utf-8"))
    question = {"from": "human", "value": "<image>\nWhat is this?"}
    assert first == {
        "id": "a",
        "image": str(PHOTOS[0]),
        "conversations": [question, {"from": "gpt", "value": "a cup of espresso"}],
        "rejected_conversations": [question, {"from": "gpt", "value": "a lighthouse"}],
    }
    assert second["conversations"][1]["value"] == "eine Kätzin"
    assert "Kätzin" in path.read_text(encoding="utf-8")


def test_the_file_names_images(tmp_path: Path) -> None:
    picture = Image.new("RGB", (2, 2))
    found = preference_pairs(PROMPTS, [picture, picture], ANSWERS, SCORES)
    with pytest.raises(TypeError, match="image of pair '0' is a Image, expected a path"):
        write_preferences(tmp_path / "pairs.json", found)
    assert not (tmp_path / "pairs.json").exists()


def test_the_table_is_what_trl_trains_on() -> None:
    pytest.importorskip("datasets")
    table = pairs().to_datasets()
    assert set(table.column_names) == {"images", "prompt", "chosen", "rejected"}
    row = table[0]
    (user,) = row["prompt"]
    assert user["role"] == "user"
    assert [part["type"] for part in user["content"]] == ["image", "text"]
    assert user["content"][1]["text"] == "What is this?"
    for column, text in (("chosen", "a cup of espresso"), ("rejected", "a lighthouse")):
        assert row[column] == [{"role": "assistant", "content": [{"type": "text", "text": text}]}]
    (image,) = row["images"]
    with Image.open(PHOTOS[0]) as picture:
        assert np.array_equal(np.asarray(image.convert("RGB")), np.asarray(picture.convert("RGB")))


def test_the_table_holds_images_of_every_kind() -> None:
    pytest.importorskip("datasets")
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    images: list[ImageLike] = [pixels, Image.fromarray(pixels)]
    table = preference_dataset(preference_pairs(PROMPTS, images, ANSWERS, SCORES))
    for row in table:
        assert np.array_equal(np.asarray(row["images"][0].convert("RGB")), pixels)
    assert len(preference_dataset([])) == 0
    elsewhere = preference_pairs(PROMPTS, [ImageUri("file:///a")] * 2, ANSWERS, SCORES)
    with pytest.raises(TypeError, match="image of pair '0' is a ImageUri"):
        preference_dataset(elsewhere)

from pathlib import Path
from typing import Any

import pytest

from mmjudge.bench.rows import Answer, Row
from mmjudge.bench.scores.pair_score_rows import pair_rows
from mmjudge.bench.scores.score_names import Named
from mmjudge.bench.scores.score_rows import JudgeScores

PATH = Path("clip.nsfw.json")
NAME = Named("clip", "safety", "nsfw")


def read(*entries: dict[str, Any], name: Named = NAME) -> JudgeScores:
    return pair_rows(PATH, list(entries), name)


def entry(**more: Any) -> dict[str, Any]:
    return {"id": 0, "score_0": 0.5, "score_1": 0.25, "label": "0", **more}


def first(*entries: dict[str, Any]) -> Row:
    return read(*entries).rows[0]


def test_a_row_has_what_the_file_says() -> None:
    row = first(entry(caption="a cat", image_0_uid="a.jpg", image_1_uid="b.jpg"))
    assert (row.kind, row.perspective, row.subcategory) == ("pair", "safety", "nsfw")
    assert (row.source, row.text, row.images) == ("clip.nsfw", "a cat", ("a.jpg", "b.jpg"))
    assert row.facts == {"label": 0, "id": 0}
    assert row.given == Answer(values=(0.5, 0.25))
    assert read(entry()).orders == "any"


@pytest.mark.parametrize(
    ("label", "expected"),
    [("0", 0), ("1", 1), (0, 0), (1, 1), (1.0, 1), (0.5, 0.5), ("0.5", 0.5), ("tie", 0.5)],
)
def test_labels_are_indices_in_every_published_spelling(label: Any, expected: float) -> None:
    assert first(entry(label=label)).facts["label"] == expected


@pytest.mark.parametrize("label", [2, "-1", None, "first", True, ""])
def test_other_labels_are_refused_by_row(label: Any) -> None:
    with pytest.raises(ValueError, match=r"clip.nsfw.json: row 2: label .*, expected 0 or 1"):
        read(entry(), entry(id=1, label=label))


def test_ids_are_equal_for_what_two_judges_were_asked_alike() -> None:
    one = first(entry(caption="a cat"))
    other = pair_rows(Path("hps.nsfw.json"), [entry(caption="a cat", score_0=9)], NAME).rows[0]
    assert one.id == other.id
    ids = {
        first(entry(caption="a dog")).id,
        first(entry(caption="a cat", label=1)).id,
        first(entry(caption="a cat", id=1)).id,
        read(entry(caption="a cat"), name=Named("clip", "safety", "toxic")).rows[0].id,
        one.id,
    }
    assert len(ids) == 5


def test_without_an_id_the_place_is_the_id() -> None:
    bare = {key: value for key, value in entry().items() if key != "id"}
    assert [row.id for row in read(bare, bare).rows] == [
        row.id for row in read(entry(id=0), entry(id=1)).rows
    ]


def test_an_id_that_occurs_twice_is_refused_with_both_rows() -> None:
    with pytest.raises(ValueError, match="id 'x' is in rows 1 and 3"):
        read(entry(id="x"), entry(id="y"), entry(id="x"))


def test_a_missing_key_is_told_with_those_there_are() -> None:
    with pytest.raises(ValueError) as error:
        read({"score_0": 1, "label": 0})
    assert "row 1 has no score_1: it has score_0, label; a file of pairs has" in str(error.value)


def test_a_score_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="row 1: score nan, expected a finite number"):
        read(entry(score_0=float("nan")))


def test_likert_words_are_levels_and_anything_else_an_abstention() -> None:
    rows = read(entry(score_0=" Good\n", score_1="Poor"), entry(id=1, score_0="N/A")).rows
    assert rows[0].given.values == (4.0, 2.0)
    assert rows[1].given.abstained == "UNPARSEABLE"
    assert rows[1].given.message == "scores 'N/A' and 0.25"


def test_ten_levels_hold_for_the_whole_file() -> None:
    rows = read(entry(score_0="Good", score_1="Good"), entry(id=1, score_0="Very Good")).rows
    assert rows[0].given.values == (7.0, 7.0)


def test_a_prediction_made_of_the_scores_is_left_aside() -> None:
    """As MJ-Bench's code writes it for scores, by a threshold of its own."""
    assert read(entry(vlm_pred="1", analysis=None)).orders == "any"
    assert first(entry(vlm_pred="1", analysis=None)).given == Answer(values=(0.5, 0.25))
    assert first(entry(pred="tie")).given == Answer(values=(0.5, 0.25))


@pytest.mark.parametrize(
    ("chosen", "ranks"), [(" 1\n\n", (1, 2)), ("2", (2, 1)), ("0", (1, 1)), (1, (1, 2))]
)
def test_a_choice_of_mj_benchs_inference_is_what_the_judge_wrote(
    chosen: Any, ranks: tuple[int, int]
) -> None:
    written = entry(score_0=" 8\n", score_1="7", vlm_pred=chosen, analysis="sharper")
    assert read(written).orders == "given"
    assert first(written).given == Answer(values=(8.0, 7.0), ranks=ranks, rationale="sharper")


@pytest.mark.parametrize(("chosen", "ranks"), [("0", (1, 2)), ("1", (2, 1)), ("tie", (1, 1))])
def test_a_choice_in_released_files_is_an_index(chosen: str, ranks: tuple[int, int]) -> None:
    released = entry(vlm_pred=chosen, score_pred="0", output="IMAGE-1 RATING: 8")
    assert read(released).orders == "given"
    assert first(released).given.ranks == ranks


def test_less_than_no_index_is_a_tie_only_where_the_judge_wrote_one() -> None:
    """Released files have -1 for a 0 after BETTER IMAGE, and for refusals."""
    tie = entry(vlm_pred="-1", output="BETTER IMAGE: 0\n\nANALYSIS OF CHOICE: alike")
    assert first(tie).given.ranks == (1, 1)
    refusal = first(entry(vlm_pred="-1", output="I cannot help with that.")).given
    assert (refusal.abstained, refusal.ranks, refusal.values) == ("UNPARSEABLE", (), ())
    assert (refusal.message, refusal.raw_text) == ("vlm_pred '-1'", "I cannot help with that.")


def test_a_choice_of_neither_form_is_an_abstention() -> None:
    assert first(entry(vlm_pred="both", analysis="hm")).given.abstained == "UNPARSEABLE"
    assert first(entry(vlm_pred=None, score_pred="0")).given.abstained == "UNPARSEABLE"


def test_an_edited_part_in_the_images_names_is_the_subcategory_of_quality() -> None:
    limbs = Named("clip", "quality", "distortion/human limbs")
    edited = entry(image_0_path="1.jpg", image_1_path="1_edited_face.jpg")
    assert read(edited, name=limbs).rows[0].subcategory == "distortion/human face"
    assert read(entry(), name=limbs).rows[0].subcategory == "distortion/human limbs"


def test_what_is_no_name_of_an_image_is_left_out() -> None:
    uid = "<PIL.JpegImagePlugin.JpegImageFile at 0x7f>"
    assert first(entry(image_0_uid=uid, image_1_uid=uid)).images == ()

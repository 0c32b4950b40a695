import json
from pathlib import Path
from typing import Any

import pytest
from tests.bench.miniatures import miniature_preferences
from tests.bench.photographs import captions, photographs

from mmjudge.bench.data.preference_reading import read_preferences
from mmjudge.bench.records import PictureFile, question


def human(value: str) -> dict[str, str]:
    return {"from": "human", "value": value}


def gpt(value: str) -> dict[str, str]:
    return {"from": "gpt", "value": value}


def row(**changes: Any) -> dict[str, Any]:
    asked = human("<image>\nWhat is this?")
    made = {"id": "1", "image": "a.jpg"}
    answers = {
        "conversations": [asked, gpt("A cup.")],
        "rejected_conversations": [asked, gpt("A dog.")],
    }
    return {**made, **answers, **changes}


def write(folder: Path, *rows: dict[str, Any]) -> Path:
    (folder / "a.jpg").write_bytes(b"image")
    file = folder / "rows.json"
    file.write_text(json.dumps(rows), encoding="utf-8")
    return file


def test_the_chosen_answer_is_candidate_0_and_the_image_stands_where_its_mark_does(
    tmp_path: Path,
) -> None:
    reading = read_preferences(miniature_preferences(tmp_path), None)
    assert reading.counts == {"preference": {"": 11}}
    assert reading.labels == {"preference": {0: 11}}
    first, after, turns, text = (reading.records[index] for index in (0, 8, 9, 10))
    photograph = photographs()[0]
    picture, asked = first.prompt
    assert isinstance(picture, PictureFile) and asked == "What is this?"
    assert picture.read() == photograph.jpeg
    near = captions()[photograph.name]["near_misses"][0]
    assert first.candidates == ((photograph.caption,), (near,))
    assert after.prompt[0] == "Describe it." and isinstance(after.prompt[1], PictureFile)
    assert turns.prompt[0] == "Human:"
    assert turns.prompt[2] == "Hello.\nAssistant: Hello!\nHuman: And what is shown?"
    assert turns.candidates[0] == (photographs()[1].caption,)
    assert text.prompt == ("Say one word.",) and text.pictures == ()
    assert reading.notes == ("1 records of several turns: the last answer is judged",)
    assert len({question(record).id for record in reading.records}) == 11


def test_images_may_be_in_a_folder_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    file = write(tmp_path, row(image="b.jpg"))
    (tmp_path / "elsewhere" / "b.jpg").write_bytes(b"other")
    (record,) = read_preferences(file, tmp_path / "elsewhere").records
    assert [picture.read() for picture in record.pictures] == [b"other"]


def test_an_image_without_a_mark_stands_first(tmp_path: Path) -> None:
    asked = human("What is this?")
    file = write(tmp_path, row(conversations=[asked, gpt("A cup.")], rejected_conversations=[
        asked, gpt("A dog.")]))  # fmt: skip
    (record,) = read_preferences(file, None).records
    assert record.prompt == (PictureFile(tmp_path, "a.jpg"), "What is this?")


def test_an_image_may_stand_between_words(tmp_path: Path) -> None:
    asked = human("Look at <image> and answer.")
    file = write(tmp_path, row(conversations=[asked, gpt("A cup.")], rejected_conversations=[
        asked, gpt("A dog.")]))  # fmt: skip
    (record,) = read_preferences(file, None).records
    assert record.prompt == ("Look at", PictureFile(tmp_path, "a.jpg"), "and answer.")


def test_an_object_a_line_is_read_like_a_list(tmp_path: Path) -> None:
    write(tmp_path)
    lines = tmp_path / "rows.jsonl"
    lines.write_text(
        f"{json.dumps(row())}\n\n{json.dumps(row(image=None))}\n".replace("<image>", "")
    )
    assert len(read_preferences(lines, None).records) == 2


def test_the_rejected_conversation_may_be_its_answer_alone(tmp_path: Path) -> None:
    file = write(tmp_path, row(rejected_conversations=[gpt("A dog.")]))
    reading = read_preferences(file, None)
    assert reading.records[0].candidates == (("A cup.",), ("A dog.",))
    assert reading.notes == ()


def test_other_answers_before_the_last_and_equal_answers_are_told_of(tmp_path: Path) -> None:
    asked, more = human("<image>\nWhat is this?"), human("Sure?")
    chosen = [asked, gpt("A cup."), more, gpt("Yes.")]
    rejected = [asked, gpt("A dog."), more, gpt("No.")]
    same = row(rejected_conversations=row()["conversations"])
    rows = row(conversations=chosen, rejected_conversations=rejected)
    reading = read_preferences(write(tmp_path, rows, same), None)
    assert reading.notes == (
        "1 records of several turns: the last answer is judged",
        "1 records whose rejected conversation had other answers before the last",
        "1 records whose chosen and rejected answers are equal",
    )
    assert reading.lines()[-3:] == list(reading.notes)


def test_rows_may_share_the_id_of_their_image(tmp_path: Path) -> None:
    reading = read_preferences(write(tmp_path, row(), row()), None)
    assert (len(reading.records), reading.identical) == (2, 1)


def test_missing_images_are_refused_or_left_out(tmp_path: Path) -> None:
    file = write(tmp_path, row(), row(image="gone.jpg"))
    with pytest.raises(ValueError, match=r"1 missing images: gone.jpg; put them there"):
        read_preferences(file, None)
    reading = read_preferences(file, None, missing="skip")
    assert (len(reading.records), reading.left_out, reading.missing) == (1, 1, ("gone.jpg",))


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    file = write(tmp_path, row(image="gone.jpg"))
    with pytest.raises(ValueError, match=r"rows.json: no record is left"):
        read_preferences(file, None, missing="skip")


ASKED = human("<image>\nWhat is this?")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"conversations": "A cup."}, "conversations: 'A cup.', expected a list of turns"),
        ({"conversations": []}, "conversations: [], expected a list of turns"),
        ({"conversations": [gpt("A cup.")]}, "conversations: an answer alone, expected a question"),
        ({"conversations": [ASKED]}, "conversations: ends with a turn of human"),
        ({"conversations": [ASKED, {"from": "system", "value": "x"}]}, "conversations[1]: {'from'"),
        ({"conversations": [ASKED, gpt(" ")]}, "conversations[1].value: ' ', expected a text"),
        ({"rejected_conversations": [ASKED]}, "rejected_conversations: ends with a turn of human"),
        (
            {"rejected_conversations": [human("Who?"), gpt("A dog.")]},
            "rejected_conversations: asks something else than conversations",
        ),
        ({"image": ""}, "image: '', expected a file's name, or none"),
        ({"image": None}, "conversations: <image> 1 times, but the row has no image"),
        (
            {
                "conversations": [human("<image><image>What?"), gpt("A cup.")],
                "rejected_conversations": [gpt("A dog.")],
            },
            "conversations: <image> 2 times, but the row has one image",
        ),
        (
            {
                "conversations": [human("<image>"), gpt("A cup.")],
                "rejected_conversations": [gpt("A dog.")],
            },
            "conversations: an image alone, expected a question",
        ),
    ],
)
def test_a_wrong_row_is_refused_with_file_row_and_key(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    file = write(tmp_path, row(), row(**changes))
    with pytest.raises(ValueError) as refused:
        read_preferences(file, None)
    assert str(refused.value).startswith(f"{file}: row 1: {told}")


def test_other_keys_are_told_with_those_expected(tmp_path: Path) -> None:
    critic = {"id": 1, "question": "What?", "rank_result": "[[1]]", "greedy_decodes": "A cup."}
    with pytest.raises(ValueError, match="row 0: keys id, question, .*; expected conversations, r"):
        read_preferences(write(tmp_path, critic), None)


@pytest.mark.parametrize("text", ["", "{}", "[]", "[1]", "[{"])
def test_a_file_of_something_else_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "rows.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"rows.json: (empty|a JSON|no rows|row 0|not JSON)"):
        read_preferences(file, None)

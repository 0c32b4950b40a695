import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.bench.mmie_miniature import mmie_miniature

from mmjudge.bench.data.mmie_reading import read_mmie
from mmjudge.bench.data.reading import select
from mmjudge.bench.records import PictureFile, question
from mmjudge.contract.images import EncodedImage
from mmjudge.contract.info import Limits
from mmjudge.contract.wire_items import item_from_proto, item_to_proto
from mmjudge.judges.mmie_prompts import load_prompts
from mmjudge.judges.mmie_question import ask_mmie

Change = Callable[[dict[str, Any]], dict[str, Any]]


def entry(**more: Any) -> dict[str, Any]:
    return {
        "id": "SA-1",
        "question": [{"text": "Go on.", "image": None}],
        "answer": [{"text": "And so on.", "image": None}],
        "gt_answer": [{"text": None, "image": None}],
        "model": "m",
    } | more


def write(folder: Path, *entries: Any) -> Path:
    file = folder / "data.json"
    file.write_text(json.dumps(entries), encoding="utf-8")
    return file


def test_the_miniature_is_read_whole(tmp_path: Path) -> None:
    file = mmie_miniature(tmp_path)
    reading = read_mmie(file)
    assert [record.perspective for record in reading.records] == [
        "SA", "SA", "SA", "PBL", "PBL", "MSR", "MSR",
    ]  # fmt: skip
    assert [record.facts.get("human") for record in reading.records] == [
        5, 2.5, 5, 4, None, 6, None,
    ]  # fmt: skip
    assert reading.lines() == [
        "7 records of MMIE data.json",
        "SA: 3",
        "PBL: 2",
        "MSR: 2",
        "answers by model: large 4, small 3",
        "answers graded by people: 5",
        "answers of nothing, asked about as an empty text: 1",
    ]
    assert read_mmie(tmp_path) == reading
    assert len({question(record).id for record in reading.records}) == 7


def test_the_miniature_is_the_same_again(tmp_path: Path) -> None:
    first, second = (read_mmie(mmie_miniature(tmp_path / name)) for name in "ab")
    assert [question(one).id for one in first.records] == [
        question(one).id for one in second.records
    ]


def test_parts_stand_in_their_order_and_images_as_they_are_stored(tmp_path: Path) -> None:
    record = read_mmie(mmie_miniature(tmp_path)).records[0]
    assert record.prompt == ("Tell what happens next.", PictureFile(tmp_path, "images/chelsea.jpg"))
    assert record.candidates == (
        ("The cat has seen a bird.", PictureFile(tmp_path, "images/coffee.jpg")),
    )
    item = question(record).item
    stored = (tmp_path / "images/chelsea.jpg").read_bytes()
    assert isinstance(item.prompt[1], EncodedImage) and item.prompt[1].data == stored
    assert item.attributes == {"category": "SA"}


def test_judge_mmie_takes_every_record_and_shows_all_its_images(tmp_path: Path) -> None:
    prompts = load_prompts("paraphrased")
    for record in read_mmie(mmie_miniature(tmp_path)).records:
        item = item_from_proto(item_to_proto(question(record).item), Limits())
        asked, notes = ask_mmie(item, 0, prompts)
        shown = [part for message in asked.question.messages for part in message.parts]
        parts = (*record.prompt, *record.candidates[0])
        assert sum(not isinstance(part, str) for part in shown) == sum(
            not isinstance(part, str) for part in parts
        )
        assert notes == ()


def test_blank_parts_are_left_out_and_a_text_is_an_answer(tmp_path: Path) -> None:
    pieces = [{"text": " \n", "image": ""}, {"text": " so ", "image": None}, {"text": None}]
    given = write(tmp_path, entry(question=pieces, answer="yes", gt_answer="no"))
    (record,) = read_mmie(given).records
    assert (record.prompt, record.candidates) == ((" so ",), (("yes",),))
    assert record.references == (("no",),)


@pytest.mark.parametrize("answer", [[], "", None, [{"text": None, "image": None}]])
def test_an_answer_of_nothing_is_asked_about_and_told(tmp_path: Path, answer: Any) -> None:
    reading = read_mmie(write(tmp_path, entry(answer=answer)))
    assert reading.records[0].candidates == (("",),)
    assert "answers of nothing, asked about as an empty text: 1" in reading.lines()


@pytest.mark.parametrize(
    ("change", "category"),
    [
        ({"id": "USA-PBL-7"}, "PBL"),
        ({"id": "MSR_12"}, "MSR"),
        ({"id": "12SA3"}, "SA"),
        ({"id": "PBL-MSR-1", "category": "MSR"}, "MSR"),
        ({"id": "7", "category": "SA"}, "SA"),
        ({"id": "SA-1", "category": None}, "SA"),
    ],
)
def test_the_category_is_said_or_a_word_of_the_id(
    tmp_path: Path, change: dict[str, Any], category: str
) -> None:
    (record,) = read_mmie(write(tmp_path, entry(**change))).records
    assert (record.perspective, record.attributes) == (category, {"category": category})


@pytest.mark.parametrize(
    ("change", "human"),
    [
        ({}, None),
        ({"human": None}, None),
        ({"human_scores": []}, None),
        ({"human": 0}, 0.0),
        ({"human_score": 5.5}, 5.5),
        ({"human_scores": [1, 2, 6]}, 3.0),
        ({"human_scores": 6}, 6.0),
    ],
)
def test_peoples_grades_are_read(tmp_path: Path, change: dict[str, Any], human: Any) -> None:
    (record,) = read_mmie(write(tmp_path, entry(**change))).records
    assert record.facts == {"id": "SA-1", "model": "m"} | (
        {} if human is None else {"human": human}
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"human": 6.5}, "human: 6.5, expected a number from 0 to 6"),
        ({"human_score": float("nan")}, "human_score: nan, expected a number"),
        ({"human": True}, "human: True, expected a number"),
        ({"human": [3]}, "human: [3], expected a number from 0 to 6"),
        ({"human_scores": [3, "4"]}, "human_scores: '4', expected a number from 0 to 6, or a list"),
        ({"human": 3, "human_score": 3}, "human_score, human: people's grade under several keys"),
        ({"id": "story-1"}, "id: 'story-1' has no category in it, expected one of SA, PBL, MSR as"),
        ({"id": "sa-1"}, "id: 'sa-1' has no category in it"),
        ({"id": "USA-1"}, "id: 'USA-1' has no category in it"),
        ({"id": "SA-PBL-1"}, "id: 'SA-PBL-1' has SA and PBL in it"),
        ({"id": 7}, "id: 7, expected a text"),
        ({"id": " "}, "id: ' ', expected a text"),
        ({"category": "sa"}, "category: 'sa', expected one of SA, PBL, MSR"),
        ({"category": ["SA"]}, "category: ['SA'], expected one of SA, PBL, MSR"),
        ({"model": 3}, "model: 3, expected a text"),
        (
            {"question": "Image-0: <image>"},
            "question: 'Image-0: <image>', expected a list of {text",
        ),
        ({"answer": 5}, "answer: 5, expected a list of {text, image}"),
        ({"answer": ["a"]}, "answer[0]: 'a', expected {text, image}"),
        ({"answer": [{"text": "a"}, {"img": "b"}]}, "answer[1]: {'img': 'b'}, expected {text, "),
        ({"answer": [{}]}, "answer[0]: {}, expected {text, image}"),
        ({"question": [{"text": ["a"]}]}, "question[0].text: ['a'], expected a text"),
        ({"gt_answer": [{"image": 1}]}, "gt_answer[0].image: 1, expected a text"),
    ],
)
def test_a_bad_entry_is_named(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    given = write(tmp_path, entry(id="SA-0"), entry(**change))
    with pytest.raises(ValueError) as raised:
        read_mmie(given)
    name = change.get("id", "SA-1")
    assert str(raised.value).startswith(f"{given}: entry 2 ({name!r}): {told}")


def test_what_is_in_an_entry_and_what_should_be_is_told(tmp_path: Path) -> None:
    other = {"id": "SA-1", "prompt": "a", "response": "b"}
    told = (
        r"entry 1 \('SA-1'\): no question, answer; its keys are id, prompt, response, expected id, "
        "question, answer, gt_answer, model, category, human_score, human, human_scores, of which "
        "id, question, answer must be there"
    )
    with pytest.raises(ValueError, match=told):
        read_mmie(write(tmp_path, other))
    without = {key: value for key, value in entry(id="MSR-1").items() if key != "gt_answer"}
    with pytest.raises(ValueError, match=r"'MSR-1'\): no gt_answer; its keys are id, question"):
        read_mmie(write(tmp_path, without))
    assert read_mmie(write(tmp_path, without | {"id": "PBL-1"})).records[0].references == ()


def test_keys_that_are_not_read_are_told(tmp_path: Path) -> None:
    given = write(tmp_path, entry(field="art", humanscore=3), entry(id="SA-2", field="art"))
    assert any(
        line.startswith("keys that are not read: field 2, humanscore 1; read are id, question")
        for line in read_mmie(given).lines()
    )


def test_mathematics_without_a_right_answer_in_words_is_told(tmp_path: Path) -> None:
    lines = read_mmie(write(tmp_path, entry(id="MSR-1"))).lines()
    assert "MSR without a right answer in words, which judge mmie needs: 1, first MSR-1" in lines


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ('{"id": "SA-1"}', "a JSON dict, expected a list of"),
        ("[]", "an empty list, expected a list of"),
        ('["SA-1"]', "entry 1: a JSON str, expected an object"),
    ],
)
def test_what_is_no_such_file_is_named(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "data.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"data.json: {told}"):
        read_mmie(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="data.json"):
        read_mmie(tmp_path)


def test_a_second_answer_of_a_model_is_refused(tmp_path: Path) -> None:
    given = write(tmp_path, entry(), entry(id="SA-2"), entry())
    with pytest.raises(ValueError, match="entry 3: id 'SA-1' of model 'm' is in entry 1 already"):
        read_mmie(given)
    assert len(read_mmie(write(tmp_path, entry(), entry(model="other"))).records) == 2


def test_missing_images_are_refused_or_left_out_and_named(tmp_path: Path) -> None:
    file = mmie_miniature(tmp_path)
    (tmp_path / "images/coffee.jpg").unlink()
    (tmp_path / "images/camera.jpg").unlink()
    with pytest.raises(ValueError, match="2 missing images: images/coffee.jpg, images/camera.jpg"):
        read_mmie(file)
    reading = read_mmie(file, missing="skip")
    assert [record.facts["id"] for record in reading.records] == [
        "SA-1", "story-2", "USA-PBL-7", "MSR-3",
    ]  # fmt: skip
    assert reading.missing == ("images/coffee.jpg", "images/camera.jpg")
    assert reading.left_out == 3


def test_a_category_can_be_selected(tmp_path: Path) -> None:
    records = read_mmie(mmie_miniature(tmp_path)).records
    assert select(records, ["MSR"], None) == records[5:]
    assert [record.perspective for record in select(records, [], 1)] == ["SA", "PBL", "MSR"]

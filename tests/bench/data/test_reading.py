from pathlib import Path
from typing import Any

import pytest

from mmjudge.bench.data.reading import Reading, kept, select
from mmjudge.bench.records import Kind, PictureFile, Record


def record(perspective: str, subcategory: str = "", name: str = "a", **facts: Any) -> Record:
    kind: Kind = "bias" if "group" in facts else "pair"
    picture = PictureFile(Path("images"), name)
    return Record(
        kind=kind,
        perspective=perspective,
        subcategory=subcategory,
        source="source",
        prompt=(name,),
        candidates=((picture,),) if kind == "bias" else ((picture,), (picture,)),
        facts=facts,
    )


RECORDS = [
    record("alignment", "object", "a", label=0),
    record("quality", "blur/motion", "b", label=1),
    record("quality", "blur/defocused", "c", label=0.5),
    record("quality", "blurry", "d", label=0),
    record("alignment", "spatial", "e", label=0),
    record("alignment", "object", "a", label=0),
    record("bias", "", "f", group="nurse"),
    record("bias", "", "g", group="pilot"),
    record("bias", "", "h", group="nurse"),
    record("bias", "", "i", group="cook"),
]


def names(records: tuple[Record, ...]) -> str:
    return "".join(one.text for one in records)


def test_counts_and_labels_are_by_perspective_in_the_order_met() -> None:
    reading = Reading(tuple(RECORDS))
    assert reading.counts == {
        "alignment": {"object": 2, "spatial": 1},
        "quality": {"blur/motion": 1, "blur/defocused": 1, "blurry": 1},
        "bias": {"": 4},
    }
    assert list(reading.counts) == ["alignment", "quality", "bias"]
    assert reading.labels == {"alignment": {0: 3}, "quality": {0: 1, 0.5: 1, 1: 1}}
    assert reading.identical == 1


def test_the_account_tells_all_of_it() -> None:
    reading = Reading(
        tuple(RECORDS[:3]),
        ("v1 splits", "v2 columns"),
        missing=tuple(f"{n}.jpg" for n in range(7)),
        left_out=4,
        passed_over=tuple((f"{n}.json", "no rows") for n in range(6)) + (("x", "not JSON"),),
        notes=("3 records of several turns",),
    )
    assert reading.lines() == [
        "3 records of v1 splits, v2 columns",
        "alignment: 1 (label 0: 1)",
        "  object: 1",
        "quality: 2 (label 0.5: 1, label 1: 1)",
        "  blur/motion: 1",
        "  blur/defocused: 1",
        "left out: 4 records, for 7 missing images: 0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg and 2 more",
        "passed over 0.json, 1.json, 2.json, 3.json, 4.json and 1 more: no rows",
        "passed over x: not JSON",
        "3 records of several turns",
    ]


def test_repeated_records_are_told_of() -> None:
    assert "1 records repeat another one exactly" in Reading(tuple(RECORDS)).lines()


@pytest.mark.parametrize(
    ("subset", "expected"),
    [
        ([], "abcdeafghi"),
        (["alignment"], "aea"),
        (["quality/blur"], "bc"),
        (["Quality/Blur/Motion"], "b"),
        (["bias", "alignment/spatial"], "efghi"),
        (["quality", "quality/blur"], "bcd"),
    ],
)
def test_a_subset_is_taken_by_whole_parts_of_the_path_in_order(
    subset: list[str], expected: str
) -> None:
    assert names(select(RECORDS, subset, None)) == expected


@pytest.mark.parametrize("entry", ["safety", "quality/bl", "object", "alignment/object/more"])
def test_an_entry_that_matches_nothing_is_refused_with_what_there_is(entry: str) -> None:
    there = (
        "there is alignment/object, alignment/spatial, bias, "
        "quality/blur/defocused, quality/blur/motion, quality/blurry"
    )
    with pytest.raises(ValueError, match=f"subset: '{entry}' matches no record; {there}"):
        select(RECORDS, ["alignment", entry], None)


def test_a_limit_is_of_each_perspective_and_keeps_groups_whole() -> None:
    assert names(select(RECORDS, [], 1)) == "abfh"
    assert names(select(RECORDS, [], 2)) == "abcefh"
    assert names(select(RECORDS, [], 3)) == "abcdeafgh"
    assert names(select(RECORDS, ["bias"], 100)) == "fghi"


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="limit: 0, expected at least 1"):
        select(RECORDS, [], 0)


def test_missing_images_are_refused_by_number_and_the_first_names() -> None:
    found = [(one, [f"{one.text}.jpg", "same.jpg"]) for one in RECORDS[:5]]
    with pytest.raises(ValueError) as told:
        kept(found, "refuse")
    assert str(told.value) == (
        "6 missing images: a.jpg, same.jpg, b.jpg, c.jpg, d.jpg and 1 more; "
        "put them there, or leave their records out (missing: skip)"
    )


def test_records_of_missing_images_are_left_out_where_asked() -> None:
    found: list[tuple[Record, list[str]]] = [(RECORDS[0], []), (RECORDS[1], ["b.jpg"])]
    assert kept(found, "skip") == ((RECORDS[0],), ("b.jpg",), 1)

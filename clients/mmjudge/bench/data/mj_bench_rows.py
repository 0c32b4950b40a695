"""Rows of MJ-Bench as records, whatever they were stored in."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mmjudge.bench.data.mj_bench_forms import COLUMNS, PICTURES, Form
from mmjudge.bench.data.mj_bench_places import PERSPECTIVES, Place, edited_part, perspective_of
from mmjudge.bench.records import Picture, Record

Row = Mapping[str, Any]

TRAITS = ("age", "gender", "race", "nationality", "religion")

_LABELS: Mapping[Any, float] = {0: 0, 1: 1, 0.5: 0.5, "0": 0, "1": 1, "0.5": 0.5}


def records_of(
    form: Form,
    place: Place,
    number: int,
    row: Row,
    picture: Callable[[str], Picture],
    one_image: bool,
) -> list[Record]:
    """The records of a row: two of blur, one of all others.

    number: of the row in its source, from 0; picture: gives that of a column; one_image: whether
    both images are the same, which makes a row of perspective bias one of its images. Raises
    ValueError naming source, row and column.
    """
    at = f"{place.source}: row {number}"
    if form == "bias":
        return [_bias(place, row, picture("images_dir"), at)]
    if form == "blur":
        label = _label_0(row, at)
        sharp = picture("sharp_image")
        return [
            _pair(place, f"blur/{name}", row, (sharp, picture(f"{name}_blur_image")), label, at)
            for name in ("motion", "defocused")
        ]
    if form == "two images":
        images = (picture("image_0"), picture("image_1"))
        part = edited_part([row["image_0"], row["image_1"]])
        subcategory = part if part and place.perspective == "quality" else place.subcategory
        return [_pair(place, subcategory, row, images, _label_0(row, at), at)]
    if form == "v2":
        place = _by_category(place, row, at)
    if not place.perspective:
        raise ValueError(
            f"{place.source}: its name does not say which perspective it is of; expected one of "
            f"{', '.join(PERSPECTIVES)} in it, or a column `category`"
        )
    if one_image and place.perspective == "bias":
        return [_bias_of_hub(place, row, picture("image0"), at)]
    images = (picture("image0"), picture("image1"))
    return [_pair(place, place.subcategory, row, images, _label(row, "label", at), at)]


def refuse_repeated_ids(source: str, rows: Sequence[Row]) -> None:
    """Raise ValueError where two rows have one published id."""
    seen: dict[Any, int] = {}
    for number, row in enumerate(rows):
        id = row.get("id")
        if id is None:
            continue
        first = seen.setdefault(str(id), number)
        if first != number:
            raise ValueError(
                f"{source}: id {id!r} is in row {first} and in row {number}, expected each once"
            )


def refuse_missing_columns(source: str, form: Form, rows: Sequence[Row]) -> None:
    """Raise ValueError where a row is without a column of its form, or without an image's name."""
    for number, row in enumerate(rows):
        if absent := [column for column in COLUMNS[form] if column not in row]:
            raise ValueError(
                f"{source}: row {number}: {absent[0]}: missing; it has {', '.join(row)}, "
                f"expected {', '.join(COLUMNS[form])}"
            )
        for column in PICTURES[form]:
            text_in(row, column, f"{source}: row {number}")


def text_in(row: Row, key: str, at: str) -> str:
    """The text of a column; raises ValueError for none and for white space."""
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{at}: {key}: {value!r}, expected a text")
    return value


def _pair(
    place: Place,
    subcategory: str,
    row: Row,
    images: tuple[Picture, Picture],
    label: float,
    at: str,
) -> Record:
    facts: dict[str, Any] = {"label": label}
    if row.get("model"):
        facts["model"] = str(row["model"])
    return Record(
        kind="pair",
        perspective=place.perspective,
        subcategory=subcategory,
        source=place.source,
        prompt=(text_in(row, "caption", at),),
        candidates=tuple((image,) for image in images),
        facts=facts,
    )


def _bias(place: Place, row: Row, image: Picture, at: str) -> Record:
    traits = {trait: row[trait] for trait in TRAITS if row.get(trait) is not None}
    for trait, varies in traits.items():
        if not isinstance(varies, bool):
            raise ValueError(f"{at}: {trait}: {varies!r}, expected true or false")
    return _portrait(
        place,
        text_in(row, "prompt", at),
        image,
        group=text_in(row, "occupation", at),
        demographic=text_in(row, "demographic", at),
        traits=traits,
    )


def _bias_of_hub(place: Place, row: Row, image: Picture, at: str) -> Record:
    """The hub's rows have no occupation: a caption stands for its group."""
    caption, who = text_in(row, "caption", at), str(row.get("info") or "")
    return _portrait(place, caption, image, group=caption, demographic=who, traits={})


def _portrait(
    place: Place, prompt: str, image: Picture, *, group: str, demographic: str, traits: Row
) -> Record:
    return Record(
        kind="bias",
        perspective="bias",
        subcategory=place.subcategory,
        source=place.source,
        prompt=(prompt,),
        candidates=((image,),),
        facts={"group": group, "demographic": demographic, "traits": traits},
    )


def _by_category(place: Place, row: Row, at: str) -> Place:
    perspective = perspective_of(str(row["category"]))
    if not perspective:
        raise ValueError(
            f"{at}: category: {row['category']!r}, expected one of {', '.join(PERSPECTIVES)}"
        )
    subcategory = str(row.get("subcategory") or "").strip().lower()
    return Place(place.source, perspective, subcategory)


def _label(row: Row, key: str, at: str) -> float:
    value = row[key]
    if isinstance(value, bool) or not isinstance(value, int | float | str) or value not in _LABELS:
        raise ValueError(f"{at}: {key}: {value!r}, expected 0, 1 or 0.5")
    return _LABELS[value]


def _label_0(row: Row, at: str) -> float:
    """As an index of the preferred image: label_0 is 1 where the first one is."""
    return {0: 1, 1: 0, 0.5: 0.5}[_label(row, "label_0", at)]

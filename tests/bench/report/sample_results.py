"""Results of judges that never were, over the example photographs: to test and to look at reports.

Three contenders: `clip`, which values candidates; `qwen-{perspective}`, which compares, is asked in
both orders and prefers what it sees first; `guess`, which is bad at all and fails at times. All is
the same at every call.
"""

from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from itertools import product
from json import loads
from pathlib import Path
from random import Random

from PIL import Image, ImageFilter

from mmjudge.bench.report.evaluation import Pictures
from mmjudge.bench.results import AskedJudge, Benchmark, Header, Orders, Results
from mmjudge.bench.rows import Answer, Row

PHOTOS = Path(__file__).resolve().parents[3] / "examples" / "photos"
SUBCATEGORIES = {
    "alignment": ("object", "attribute", "action", "counting", "spatial"),
    "safety": ("toxic", "nsfw"),
    "quality": ("blur/motion", "blur/defocused", "human", "object"),
}
OCCUPATIONS = ("A carpet merchant.", "A chef.", "A judge.", "A nurse.", "A pilot.", "A teacher.")
DEMOGRAPHICS = tuple(
    "_".join(traits)
    for traits in product(("young", "old"), ("female", "male"), ("asian", "black", "white"))
)
SKILL = {"clip": 0.35, "qwen-{perspective}": 0.9, "guess": 0.05}
PERSPECTIVES = (*SUBCATEGORIES, "bias")
SCALES = {f"scaled-{scale}-{{perspective}}": scale for scale in ("numeric-5", "likert-10")}
HOSTILE = 'a sign that reads </script><script>alert("1")</script> & <b>"more"</b>'


def sample(contender: str = "clip", *, pairs: int = 22, skill: float | None = None) -> Results:
    """MJ-Bench results with `pairs` pairs a subcategory and the bias rows of six occupations."""
    random = Random(contender)
    skill = SKILL.get(contender, 0.3) if skill is None else skill
    both = contender.startswith("qwen")
    rows = [_pair(*facts, random, skill, both) for facts in _pairs(pairs)]
    rows += _bias(random, contender)
    return _results(contender, "mjbench", tuple(rows), "both" if both else "any", PERSPECTIVES)


def sample_grades(contender: str = "mmie", *, count: int = 60) -> Results:
    """MMIE results over the three categories, half of them graded by people too."""
    random = Random(contender)
    rows = []
    for index in range(count):
        category = ("SA", "PBL", "MSR")[index % 3]
        human = random.randrange(7)
        grade = min(6, max(0, round(random.gauss(human, 1.5))))
        facts = {"model": "anole"} | ({"human": human} if index % 2 else {})
        notes = ("TILES_REDUCED: 4 of 12 tiles an image",) if index % 5 == 0 else ()
        given = Answer(values=(float(grade),), rationale="It tells the steps well.", notes=notes)
        if index % 11 == 3:
            given = Answer(abstained="UNPARSEABLE", message="no score", raw_text="### Feedback\nIt")
        elif index % 13 == 5:
            given = Answer(failed="CONTEXT_EXCEEDED", message="10825 tokens, at most 4096")
        photo = _captions()[index % len(_captions())][0]
        rows.append(
            Row(
                id=_id("grade", index),
                kind="grade",
                perspective=category,
                subcategory="",
                source="data.json",
                text="Tell what happens next, with a picture.",
                images=(f"photo:{photo}",),
                facts=facts,
                given=given,
            )
        )
    return _results(contender, "mmie", tuple(rows), "any", ("SA", "PBL", "MSR"))


def sample_texts() -> Results:
    """Preferences between two texts about an image, some of them wrong."""
    rows = tuple(
        Row(
            id=_id("text", index),
            kind="pair",
            perspective="preference",
            subcategory="",
            source="povid.json",
            text="What does the picture show?",
            images=(f"photo:{photo}",),
            facts={"label": 0},
            given=Answer(values=(0.2, 0.8) if index % 3 else (0.9, 0.1)),
            texts=(f"It shows {caption}.", "It shows a <i>zebra</i>."),
        )
        for index, (photo, caption) in enumerate(_captions())
    )
    return _results("clip", "preferences", rows, "any", ("preference",))


def sample_pictures() -> Pictures:
    """The pictures that the samples name: photographs, and blurred copies of them."""
    made = dict[str, bytes]()

    def picture(name: str) -> bytes | None:
        way, _, file = name.partition(":")
        if way == "gone":
            return None
        if name not in made:
            with Image.open(PHOTOS / file) as photo:
                small = photo.convert("RGB")
            small.thumbnail((360, 360))
            if way == "blurred":
                small = small.filter(ImageFilter.GaussianBlur(5))
            data = BytesIO()
            small.save(data, "JPEG", quality=85)
            made[name] = data.getvalue()
        return made[name]

    return picture


def _pairs(count: int) -> Iterator[tuple[str, str, int, str, str, str]]:
    captions = _captions()
    for perspective, subcategories in SUBCATEGORIES.items():
        for subcategory in subcategories:
            for index in range(count):
                photo, caption = captions[index % len(captions)]
                other = f"photo:{captions[(index + 3) % len(captions)][0]}"
                worse = other if perspective == "alignment" else f"blurred:{photo}"
                yield perspective, subcategory, index, caption, f"photo:{photo}", worse


def _pair(
    perspective: str, subcategory: str, index: int, caption: str, better: str, worse: str,
    random: Random, skill: float, both: bool,
) -> Row:  # fmt: skip
    label = index % 2
    lean = random.gauss(skill, 1.0)
    if index == 5:
        better = "gone:lost.png"
    if index == 7:
        caption = HOSTILE
    given = _answer(lean, label, random, 0.3 if both else 0.0, both)
    swapped = _answer(lean, 1 - label, random, 0.3, both) if both else None
    if index == 11:
        given = Answer(
            abstained="REFUSED", message="the model declined", raw_text="I'm sorry, but I can't."
        )
    elif index == 13 and not both:
        given = Answer(failed="IMAGE_TOO_LARGE", message="9000 x 9000 pixels, at most 67108864")
    return Row(
        id=_id(perspective, subcategory, index),
        kind="pair",
        perspective=perspective,
        subcategory=subcategory,
        source=subcategory,
        text=caption,
        images=(worse, better) if label else (better, worse),
        facts={"label": 0.5 if index == 17 else label},
        given=given,
        swapped=swapped,
    )


def _answer(lean: float, right: int, random: Random, first: float, ranked: bool) -> Answer:
    """Values that differ by `lean` for the right one, plus `first` for the one shown first."""
    margin = lean if right == 0 else -lean
    values = [random.gauss(0, 0.2), random.gauss(0, 0.2)]
    values[0] += margin + first
    if not ranked:
        return Answer(values=tuple(round(0.05 * value + 0.25, 4) for value in values))
    ratings = tuple(float(min(10, max(1, round(5 + 2 * value)))) for value in values)
    ranks = (1, 1) if ratings[0] == ratings[1] else (1, 2) if ratings[0] > ratings[1] else (2, 1)
    which = "first" if ranks == (1, 2) else "second"
    return Answer(
        values=ratings,
        ranks=ranks,
        rationale=f"The {which} image shows what the caption says; the other one is <blurred>.",
        notes=("REASONING_CUT",) if random.random() < 0.1 else (),
    )


def _bias(random: Random, contender: str) -> Iterator[Row]:
    for group, demographic in product(OCCUPATIONS, DEMOGRAPHICS):
        lean = 0.06 if "_male" in demographic and group in OCCUPATIONS[2:5] else 0.0
        value = round(0.25 + lean * (contender == "clip") + random.gauss(0, 0.03), 4)
        yield Row(
            id=_id("bias", group, demographic),
            kind="bias",
            perspective="bias",
            subcategory="occupation",
            source="bias",
            text=group,
            images=(f"photo:{_captions()[0][0]}",),
            facts={"group": group, "demographic": demographic},
            given=Answer(values=(value,)),
        )


def _results(
    contender: str, benchmark: Benchmark, rows: tuple[Row, ...], orders: Orders,
    perspectives: tuple[str, ...],
) -> Results:  # fmt: skip
    judges = {
        perspective: AskedJudge(
            name=(name := contender.format(perspective=perspective)),
            kind="vlm" if orders == "both" else benchmark.replace("mjbench", "clip"),
            fingerprint=sha256(name.encode()).hexdigest(),
            orders="any" if perspective == "bias" else orders,
            caution="Grades correlate weakly with people's." if benchmark == "mmie" else "",
        )
        for perspective in perspectives
    }
    header = Header(benchmark, contender, judges, f"data/{benchmark}", len(rows), _id(benchmark))
    return Results(Path(f"{contender}.jsonl"), header, rows, 0)


def _captions() -> list[tuple[str, str]]:
    entries = loads((PHOTOS / "captions.json").read_text(encoding="utf-8"))
    return [(entry["file"], entry["caption"]) for entry in entries]


def _id(*parts: object) -> str:
    return sha256(repr(parts).encode()).hexdigest()[:24]

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.conftest import PHOTOS, Run

from mmjudge.bench.metrics.separation import auc
from mmjudge.cli.server_process import own_server
from mmjudge.cli.terminal import ExitStatus
from mmjudge.client import Candidate, Client, EncodedImage, Item

WORDS = {
    "chelsea.png": ("cat", "whiskers", "fur", "kitten"),
    "astronaut.png": ("astronaut", "woman", "flag", "spacesuit"),
    "coffee.png": ("coffee", "cup", "spoon", "saucer"),
    "rocket.jpg": ("rocket", "launch", "smoke", "tower"),
}
KIND = "mmjudge.judges.token_alignment:TokenAlignmentJudge"
CONFIG = f"""
[judges.clip]
kind = "clip"
model = "photo-lite"
[judges.words]
kind = "{KIND}"
model = "photo-lite"
[judges.signs]
kind = "{KIND}"
model = "photo-lite"
transform = "sign"
mean_correct = 0.2
mean_hallucinated = 0.1
"""


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    config = tmp_path_factory.mktemp("calibrate") / "config.toml"
    config.write_text(CONFIG)
    with own_server(str(config)) as address:
        yield address


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """One sentence of all words a photograph, of which a quarter is right."""
    text = f"I see {', '.join(word for words in WORDS.values() for word in words)}."
    rows = [
        {
            "image": str(PHOTOS / photo),
            "text": text,
            "unit": word,
            "label": "correct" if photo == name else "hallucinated",
            "start": text.index(f" {word}") + 1,
        }
        for photo in WORDS
        for name, words in WORDS.items()
        for word in words
    ]
    path = tmp_path / "units.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.fixture
def ratings(tmp_path: Path) -> Path:
    rows = [
        {"image": str(PHOTOS / photo), "text": f"a {word}", "target": float(photo == name)}
        for photo in WORDS
        for name, words in WORDS.items()
        for word in words
    ]
    path = tmp_path / "ratings.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_tokens_are_fitted_to_what_the_judge_says(
    run: Run, hosted: str, units: Path, tmp_path: Path
) -> None:
    output, picture = tmp_path / "tokens.json", tmp_path / "tokens.png"
    result = run("calibrate", units, "--judge", "words", "--output", output,
                 "--picture", picture, "--address", hosted)  # fmt: skip
    assert (result.status, result.err) == (0, "")
    table = json.loads(output.read_text())
    with Client(hosted) as client:
        assert table["judge fingerprint"] == client.list_judges().judges["words"].fingerprint
        sides: dict[str, list[float]] = {"correct": [], "hallucinated": []}
        for row in map(json.loads, units.read_text().splitlines()):  # each asked by itself
            span = np.array([[row["start"], row["start"] + len(row["unit"])]], np.int32)
            image = EncodedImage(Path(row["image"]).read_bytes())
            item = Item([image], [Candidate([row["text"]], span)])
            (verdict,) = client.judge([item], judges="words", want="token_rewards")
            assert verdict.judgement is not None
            (reward,) = np.asarray(verdict.judgement.scores[0].span_values).tolist()
            sides[row["label"]].append(reward)
    correct, hallucinated = np.array(sides["correct"]), np.array(sides["hallucinated"])
    assert (len(correct), len(hallucinated), table["units"]) == (16, 48, 64)
    assert table["mean_correct"] == pytest.approx(correct.mean())
    assert table["std_hallucinated"] == pytest.approx(hallucinated.std(ddof=1))
    assert table["auc"][0] == pytest.approx(auc(correct, hallucinated))
    assert f"AUC {table['auc'][0]:.3f} (" in result.out and f"drew {picture}" in result.out
    with Image.open(picture) as drawn:
        assert drawn.size == (1050, 630)


def test_a_judge_takes_the_file_that_was_written_for_it(
    run: Run, hosted: str, units: Path, tmp_path: Path
) -> None:
    output = tmp_path / "tokens.json"
    run("calibrate", units, "--judge", "words", "--output", output, "--address", hosted)
    config = tmp_path / "calibrated.toml"
    config.write_text(
        f'[judges.signs]\nkind = "{KIND}"\nmodel = "photo-lite"\ntransform = "sign"\n'
        f'calibration = "{output}"\n'
    )
    image = EncodedImage((PHOTOS / "chelsea.png").read_bytes())
    with own_server(str(config)) as address, Client(address) as client:
        (verdict,) = client.judge([Item([image], [Candidate(["cat"])])], want="token_rewards")
    assert verdict.judgement is not None
    assert np.asarray(verdict.judgement.scores[0].span_values).tolist() == [1.0]


@pytest.mark.parametrize("fit", ["affine", "isotonic"])
def test_a_scores_curve_makes_a_judge_of_its_own(
    run: Run, hosted: str, ratings: Path, tmp_path: Path, fit: str
) -> None:
    output = tmp_path / "curve.json"
    result = run("calibrate", ratings, "--judge", "clip", "--fit", fit, "--output", output,
                 "--picture", tmp_path / "curve.png", "--json", "--address", hosted)  # fmt: skip
    assert (result.status, result.err) == (0, "")
    assert json.loads(result.out)["statistics"]["rows"] == 64
    config = tmp_path / "calibrated.toml"
    config.write_text(
        f'[judges.share]\nkind = "calibrated"\ncalibration = "{output}"\n'
        '[judges.share.scorer]\nkind = "clip"\nmodel = "photo-lite"\n'
    )
    photo = str(PHOTOS / "chelsea.png")
    with own_server(str(config)) as address, Client(address) as client:
        scores = client.score(photo, ["a cat", "a rocket"])
    with Client(hosted) as client:
        raw = client.score(photo, ["a cat", "a rocket"], judges="clip").values
    beside = [verdict.judgement and verdict.judgement.scores[0] for verdict in scores.verdicts]
    assert [score and score.by_criterion["raw"] for score in beside] == raw.tolist()
    assert scores.values[0] > scores.values[1]


def test_quantiles_need_no_targets(run: Run, hosted: str, ratings: Path, tmp_path: Path) -> None:
    output = tmp_path / "curve.json"
    arguments = ("--judge", "clip", "--fit", "quantile", "--output", output, "--address", hosted)
    told = run("calibrate", ratings, *arguments)
    assert told.status == ExitStatus.MISTAKE
    assert told.error == "quantile: expected no targets: leave them out"
    rows = [json.loads(line) for line in ratings.read_text().splitlines()]
    ratings.write_text(
        "\n".join(json.dumps({"image": r["image"], "text": r["text"]}) for r in rows)
    )
    assert run("calibrate", ratings, *arguments).status == 0
    knots = np.array(json.loads(output.read_text())["knots"])
    assert (knots[0, 1], knots[-1, 1]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("judge", "told"),
    [
        ("signs", "judge 'signs' transforms its rewards (sign hi 0.2 lo 0.1"),
        ("clip", "judge 'clip' gives no token rewards"),
        ("nobody", "--judge 'nobody': not hosted; expected one of clip, signs, words"),
    ],
)
def test_a_judge_that_cannot_be_calibrated(
    run: Run, hosted: str, units: Path, tmp_path: Path, judge: str, told: str
) -> None:
    output = tmp_path / "none.json"
    result = run("calibrate", units, "--judge", judge, "--output", output, "--address", hosted)
    assert result.status == ExitStatus.MISTAKE
    assert result.error.startswith(told)
    assert not output.exists()


def test_rows_that_are_none(run: Run, hosted: str, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("{}")
    result = run("calibrate", rows, "--judge", "words", "--output", tmp_path / "none.json",
                 "--address", hosted)  # fmt: skip
    assert result.status == ExitStatus.MISTAKE
    assert result.error == f"{rows}:1: text: None, expected a text"

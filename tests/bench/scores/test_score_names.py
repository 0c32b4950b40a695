from pathlib import Path

import pytest

from mmjudge.bench.scores.score_names import SETS, Named, ScoreFile, named, parse_score_file


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("a/b.json", ScoreFile(Path("a/b.json"))),
        ("quality=a/b.json", ScoreFile(Path("a/b.json"), "quality")),
        ("safety/nsfw/subtle=b.json", ScoreFile(Path("b.json"), "safety", "nsfw/subtle")),
        ("b.json::gpt-4o", ScoreFile(Path("b.json"), column="gpt-4o")),
        ("odd=name.json", ScoreFile(Path("odd=name.json"))),
        ("quality=x=y.json", ScoreFile(Path("x=y.json"), "quality")),
        ("c::d/e.json", ScoreFile(Path("c::d/e.json"))),
    ],
)
def test_an_argument_is_a_file_with_what_is_said_around_it(
    argument: str, expected: ScoreFile
) -> None:
    assert parse_score_file(argument) == expected


def test_an_empty_argument_is_refused() -> None:
    with pytest.raises(ValueError, match="an empty name of a score file"):
        parse_score_file("")


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("x/hps_v2.1.blur.json", Named("hps_v2.1", "quality", "blur/motion")),
        ("x/clip.toxic.json", Named("clip", "safety", "toxic")),
        ("x/llava-1.5_alignment.json", Named("llava-1.5", "alignment", "")),
        ("x/clipscore_v2/nsfw0.0.json", Named("clipscore_v2", "safety", "nsfw")),
        (
            "x/clipscore_v2/Human_0.0.json",
            Named("clipscore_v2", "quality", "distortion/human face"),
        ),
        ("x/clip/object_indoor0.0.json", Named("clip", "quality", "distortion/object")),
        ("x/actions/llava_scale5.json", Named("llava_scale5", "alignment", "action")),
        ("x/existence_multi/qwen.json", Named("qwen", "alignment", "object")),
        ("quality=x/mine.json", Named("mine", "quality", "")),
        ("quality=x/hps_v2.1.json", Named("hps_v2.1", "quality", "")),
        ("quality/hands=x/mine.json", Named("mine", "quality", "hands")),
        ("quality=x/clip.mpii.json", Named("clip", "quality", "distortion/human limbs")),
        ("safety=x/clip.mpii.json", Named("clip", "safety", "")),
    ],
)
def test_a_name_says_judge_and_set(argument: str, expected: Named) -> None:
    assert named(parse_score_file(argument)) == expected


def test_an_unknown_set_names_those_known_and_how_to_say_it() -> None:
    with pytest.raises(ValueError) as error:
        named(parse_score_file("x/clip.faces.json"))
    assert all(name in str(error.value) for name in SETS)
    assert "x/clip.faces.json" in str(error.value)
    assert "say the perspective as in quality=clip.faces.json" in str(error.value)

import pytest
from tests.bench.fake_judges import bias, comparing, judge, pair

from mmjudge.bench.asking.contenders import Contender, contender, perspectives_of, wanted
from mmjudge.bench.records import Kind, Record
from mmjudge.contract import Hosting, JudgeInfo, Want

PAIR: dict[str, Kind] = {"quality": "pair"}
BIAS: dict[str, Kind] = {"quality": "pair", "bias": "bias"}
SCORE, PREFERENCE = Want.SCORE, Want.PREFERENCE


def hosting(*infos: JudgeInfo) -> Hosting:
    return Hosting({info.name: info for info in infos})


def orders(info: JudgeInfo, **settings: object) -> tuple[str, Want]:
    """How one judge is asked about pairs."""
    asked = contender(info.name, PAIR, hosting(info), **settings).judges["quality"]  # type: ignore[arg-type]
    return asked.orders, wanted(asked)


def test_a_plain_name_is_the_judge_of_all_perspectives() -> None:
    found = contender("clip", BIAS, hosting(judge("clip"), judge("other")))
    assert found.name == "clip" and not found.left_out
    assert {name: asked.name for name, asked in found.judges.items()} == {
        "quality": "clip",
        "bias": "clip",
    }
    assert found.judges["bias"].fingerprint == "print of clip"


def test_a_pattern_names_a_judge_for_each_perspective() -> None:
    found = contender(
        "qwen-{perspective}", BIAS, hosting(judge("qwen-bias"), judge("qwen-quality"))
    )
    assert found.name == "qwen-{perspective}"
    assert [asked.name for asked in found.judges.values()] == ["qwen-quality", "qwen-bias"]


def test_a_judge_that_is_not_hosted_is_refused_with_those_that_are() -> None:
    with pytest.raises(
        ValueError, match="'qwen-bias': not hosted, for bias; hosted are: a, qwen-q"
    ):
        contender("qwen-{perspective}", BIAS, hosting(judge("qwen-quality"), judge("a")))


@pytest.mark.parametrize("pattern", ["a-{scale}", "{}", "{perspective!r}", "{perspective:>9}"])
def test_other_placeholders_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"unknown placeholder .*, expected \{perspective\}"):
        contender(pattern, PAIR, hosting(judge("clip")))


def test_half_a_placeholder_is_refused() -> None:
    with pytest.raises(ValueError, match=r"judge 'a-\{': .*expected \{perspective\}"):
        contender("a-{", PAIR, hosting(judge("clip")))


@pytest.mark.parametrize("kind", ["clip", "hps", "ensemble", "vlm"])
def test_judges_of_one_candidate_are_asked_for_scores(kind: str) -> None:
    assert orders(judge("a", kind=kind)) == ("any", SCORE)


def test_judges_that_are_shown_pairs_are_asked_in_both_orders() -> None:
    assert orders(comparing("a")) == ("both", PREFERENCE)
    assert orders(comparing("a", "as sent", SCORE, PREFERENCE)) == ("both", PREFERENCE)
    assert orders(comparing("a"), orders="given") == ("given", PREFERENCE)


def test_a_judge_over_one_that_is_shown_pairs_compares_too() -> None:
    info = judge("a", kind="calibrated", **{"scorer.order of pairs": "as sent"})
    assert orders(info) == ("both", PREFERENCE)


def test_a_judge_that_ranks_lists_compares() -> None:
    assert orders(judge("a", PREFERENCE, kind="vlm")) == ("both", PREFERENCE)


def test_a_judge_that_turns_pairs_round_by_itself_is_asked_once() -> None:
    assert orders(comparing("a", "both")) == ("given", PREFERENCE)


def test_an_unknown_kind_that_ranks_is_taken_for_comparing_unless_vouched_for() -> None:
    info = judge("mine", kind="my.module:Judge")
    assert orders(info) == ("both", PREFERENCE)
    assert orders(info, one_by_one=["mine"]) == ("any", SCORE)
    assert orders(judge("mine", SCORE, kind="my.module:Judge")) == ("any", SCORE)


def test_vouching_for_a_judge_that_compares_is_refused() -> None:
    with pytest.raises(ValueError, match="'a' compares candidates: it cannot be asked one by one"):
        orders(comparing("a"), one_by_one=["a"])


@pytest.mark.parametrize("wants", [(PREFERENCE,), (SCORE, PREFERENCE)])
def test_a_judge_that_compares_is_left_out_of_bias(wants: tuple[Want, ...]) -> None:
    found = contender("a", BIAS, hosting(comparing("a", "as sent", *wants)))
    assert list(found.judges) == ["quality"]
    assert found.left_out == {
        "bias": "judge 'a' compares candidates, and here each image stands alone"
    }


def test_an_unknown_kind_is_asked_for_scores_of_single_images() -> None:
    found = contender("a", BIAS, hosting(judge("a", kind="my.module:Judge")))
    assert {name: asked.orders for name, asked in found.judges.items()} == {
        "quality": "both",
        "bias": "any",
    }


def test_a_judge_that_can_judge_nothing_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="none of the perspectives: quality: .*TOKEN_REWARDS only"):
        contender("a", PAIR, hosting(judge("a", Want.TOKEN_REWARDS)))
    with pytest.raises(ValueError, match="here each answer stands alone"):
        contender("a", {"SA": "grade"}, hosting(comparing("a")))


def test_perspectives_come_in_the_records_order_with_their_kinds() -> None:
    records: list[Record] = [bias("nurse", 1), pair("a"), bias("nurse", 2)]
    assert list(perspectives_of(records).items()) == [("bias", "bias"), ("quality", "pair")]
    with pytest.raises(ValueError, match="'bias' has records of kind 'pair' and 'bias'"):
        perspectives_of([pair("a", perspective="bias"), *records])


def test_contenders_of_equal_judges_are_equal() -> None:
    one, other = (contender("a", PAIR, hosting(judge("a"))) for _ in range(2))
    assert isinstance(one, Contender) and one == other

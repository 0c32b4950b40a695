from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.client.fake_rewards import GRID, FakeRewards, info, reward
from tests.client.tokenizers_in_code import byte_level

from mmjudge.client import AsyncClient, Client, ImageLike, TokenRewards
from mmjudge.client.errors import DeadlineExceeded, ItemAbstained, ItemFailed, ServerFault
from mmjudge.contract import Error, Limits, Note, Want

TEXTS = ["a cat 猫", "two dogs, 😀"]


@pytest.fixture
def service() -> FakeRewards:
    return FakeRewards()


@pytest.fixture
def client(service: FakeRewards) -> AsyncClient:
    return AsyncClient(transport=service)


def offsets(*texts: str, length: int = 0) -> list[list[tuple[int, int]]]:
    """A token for each word with the space ahead of it, between special ones; padded."""
    rows = []
    for text in texts:
        ends = [i for i, c in enumerate(text) if c == " "] + [len(text)]
        pairs = zip([0, *ends[:-1]], ends, strict=True) if text else ()
        row = [(0, 0), *pairs, (0, 0)]
        rows.append(row + [(0, 0)] * (length - len(row)))
    return rows


def expected(text: str) -> list[float]:
    return [reward(text[start:end]) for start, end in offsets(text)[0][1:-1]]


async def test_every_token_has_its_reward(client: AsyncClient) -> None:
    rewards = await client.token_rewards([b"1", b"2"], TEXTS, offsets=offsets(*TEXTS))
    assert isinstance(rewards, TokenRewards)
    assert rewards.values.dtype == np.float32 and rewards.mask.dtype == bool
    assert rewards.values.tolist() == [[0, *expected(text), 0] for text in TEXTS]
    assert rewards.mask.tolist() == [[False, True, True, True, False]] * 2
    assert (rewards.judge, rewards.fingerprint) == ("fisao", "f00d")
    assert rewards.regions is None and rewards.failed == () and len(rewards.verdicts) == 2


async def test_rows_of_several_lengths_are_padded_with_0(client: AsyncClient) -> None:
    rewards = await client.token_rewards(b"1", ["a b c", "cat"], offsets=offsets("a b c", "cat"))
    assert rewards.values.tolist() == [[0, 1, 2, 2, 0], [0, 3, 0, 0, 0]]
    assert rewards.mask.sum(1).tolist() == [3, 1]


@pytest.mark.parametrize("form", ["padded lists", "array", "tensor", "rows of arrays"])
async def test_shapes_are_those_of_padded_offsets(client: AsyncClient, form: str) -> None:
    rows: Any = offsets("a b", "cat", length=9)
    match form:
        case "array":
            rows = np.array(rows)
        case "rows of arrays":
            rows = [np.array(row) for row in rows]
        case "tensor":
            rows = pytest.importorskip("torch").tensor(rows)
    rewards = await client.token_rewards(b"1", ["a b", "cat"], offsets=rows)
    assert rewards.values.shape == rewards.mask.shape == (2, 9)
    assert rewards.values[:, :4].tolist() == [[0, 1, 2, 0], [0, 3, 0, 0]]
    assert not rewards.mask[:, 4:].any()


async def test_ids_with_their_tokenizer(client: AsyncClient, service: FakeRewards) -> None:
    encodings = [byte_level().encode(text) for text in TEXTS]
    by_ids = await client.token_rewards(
        b"1", TEXTS, ids=[encoding.ids for encoding in encodings], tokenizer=byte_level()
    )
    by_offsets = await client.token_rewards(
        b"1", TEXTS, offsets=[encoding.offsets for encoding in encodings]
    )
    assert by_ids.values.tolist() == by_offsets.values.tolist()
    assert by_ids.mask.sum(1).tolist() == [len(encoding.ids) for encoding in encodings]
    assert (by_ids.values != 0).any()


async def test_one_text_of_several_images_has_one_row_of_tokens(client: AsyncClient) -> None:
    (row,) = offsets("a cat")
    rewards = await client.token_rewards([b"1", b"2"], "a cat", offsets=row)
    assert rewards.values.tolist() == [[0, 1, 4, 0]] * 2
    ids = byte_level().encode("a cat").ids
    rewards = await client.token_rewards(b"1", "a cat", ids=ids, tokenizer=byte_level())
    assert rewards.values.shape == (1, len(ids))


async def test_a_group_over_one_image_is_one_item(
    client: AsyncClient, service: FakeRewards, tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"picture")
    texts = ["a", "b c", "cat", "d e f", "go"]
    images: list[ImageLike] = [path, str(path), b"other", path, path]
    rewards = await client.token_rewards(images, texts, offsets=offsets(*texts))
    assert [[c.text for c in item.candidates] for item in service.asked] == [
        ["a", "b c"],
        ["cat"],
        ["d e f", "go"],
    ]
    assert rewards.mask.sum(1).tolist() == [1, 2, 1, 3, 1]
    assert [v.judgement and v.judgement.scores[0].value for v in rewards.verdicts] == [
        sum(expected(text)) for text in texts
    ]
    alone = [await client.token_rewards([b"x"], [text], offsets=offsets(text)) for text in texts]
    for i, one in enumerate(alone):
        assert one.values[0].tolist() == rewards.values[i, : one.values.shape[1]].tolist()


async def test_a_group_larger_than_the_server_takes_is_cut() -> None:
    service = FakeRewards(limits=Limits(max_candidates=4))
    texts = ["a"] * 9
    async with AsyncClient(transport=service) as client:
        rewards = await client.token_rewards(b"1", texts, offsets=offsets(*texts))
    assert [len(item.candidates) for item in service.asked] == [4, 4, 1]
    assert rewards.mask.sum() == 9


async def test_empty_spans_are_not_sent(client: AsyncClient, service: FakeRewards) -> None:
    await client.token_rewards(b"1", ["a cat"], offsets=offsets("a cat", length=50))
    spans = service.asked[0].candidates[0].spans
    assert spans is not None and spans.tolist() == [[0, 1], [1, 5]]


async def test_regions_are_by_token_where_asked_for(client: AsyncClient) -> None:
    rewards = await client.token_rewards(b"1", TEXTS, offsets=offsets(*TEXTS), regions=True)
    assert rewards.regions is not None and rewards.regions.dtype == np.int32
    assert rewards.regions.tolist() == [[-1, 0, 1, 2, -1]] * 2
    judgement = rewards.verdicts[1].judgement
    assert judgement and judgement.scores[0].grid == GRID


async def test_the_first_failed_row_raises(client: AsyncClient) -> None:
    texts = ["a", "b", "bad", "c"]
    with pytest.raises(ItemFailed, match=r"^item 2 failed with TEXT_DULL.*on_failure='mask'") as it:
        await client.token_rewards(b"1", texts, offsets=offsets(*texts))
    assert (it.value.index, it.value.field) == (2, "candidates[0]")
    with pytest.raises(ItemAbstained, match="item 1 got no answer"):
        await client.token_rewards([b"1", b"2"], ["a", "shy"], offsets=offsets("a", "shy"))


async def test_a_bad_text_fails_alone_and_is_masked(
    client: AsyncClient, service: FakeRewards
) -> None:
    texts = ["a", "bad", "cat", "dog"]
    rewards = await client.token_rewards(
        [b"1"] * 3 + [b"2"], texts, offsets=offsets(*texts), on_failure="mask"
    )
    assert rewards.failed == (1,)
    assert rewards.mask.sum(1).tolist() == [1, 0, 1, 1]
    assert rewards.values.sum(1).tolist() == [1, 0, 3, 3]
    assert isinstance(rewards.verdicts[1].outcome, Error)
    assert [len(request.items) for request in service.requests] == [2, 3]


async def test_an_empty_completion_fails_alone(client: AsyncClient) -> None:
    texts = ["a", "", "cat"]
    rewards = await client.token_rewards(b"1", texts, offsets=offsets(*texts), on_failure="mask")
    assert rewards.failed == (1,) and rewards.mask.sum(1).tolist() == [1, 0, 1]


async def test_an_abstention_is_masked(client: AsyncClient) -> None:
    rewards = await client.token_rewards(
        [b"1", b"2"], ["a", "shy"], offsets=offsets("a", "shy"), on_failure="mask"
    )
    assert rewards.failed == (1,) and rewards.mask.tolist() == [[0, 1, 0], [0, 0, 0]]


async def test_notes_stay_with_their_row(client: AsyncClient) -> None:
    texts = ["a", "note", "b"]
    rewards = await client.token_rewards(b"1", texts, offsets=offsets(*texts))
    noted = Note("NOTED", "noted", "candidates[0].parts[0]")
    assert [verdict.notes for verdict in rewards.verdicts] == [(), (noted,), ()]


async def test_a_judge_that_changes_between_the_two_questions(
    client: AsyncClient, service: FakeRewards, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = service.judge

    async def changing(*arguments: Any) -> Any:
        answer = await ask(*arguments)
        service.fingerprint = "beef"
        return answer

    monkeypatch.setattr(service, "judge", changing)
    with pytest.raises(ServerFault, match="from fingerprint f00d to beef"):
        await client.token_rewards(
            b"1", ["a", "bad"], offsets=offsets("a", "bad"), on_failure="mask"
        )


async def test_rewards_of_other_spans_are_a_fault(
    client: AsyncClient, service: FakeRewards
) -> None:
    service.own_spans = True
    with pytest.raises(ServerFault, match="row 0 rewards for 2 spans of its own, asked were the 1"):
        await client.token_rewards(b"1", ["a cat"], offsets=[[(0, 5)]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "neither of offsets and ids"),
        ({"offsets": [[(0, 1)]], "ids": [[1]]}, "both of offsets and ids"),
        ({"ids": [[1]]}, "ids need the tokenizer"),
        ({"offsets": [[(0, 1)]], "tokenizer": byte_level()}, "offsets need none"),
        ({"offsets": [[(0, 1)]] * 2}, "offsets has 2 rows for 1 texts"),
        ({"offsets": [[(0, 9)]]}, r"offsets\[0\]: token 0, characters \[0, 9\], leaves the text"),
        ({"offsets": [[(0, 0)]]}, r"offsets\[0\]: no token covers any of the text, 'a cat'"),
        ({"ids": [[-100]], "tokenizer": byte_level()}, r"ids\[0\]: -100 is no token"),
        ({"ids": [[0.5]], "tokenizer": byte_level()}, r"ids\[0\]: float64 .*expected token ids"),
        ({"ids": [[5]], "tokenizer": byte_level()}, r"ids\[0\]: the ids decode to another text"),
        ({"offsets": [[(0, 1)]], "on_failure": "nan"}, "expected 'raise' or 'mask'"),
    ],
)
async def test_tokens_that_do_not_fit_are_refused_before_anything_is_asked(
    client: AsyncClient, service: FakeRewards, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        await client.token_rewards(b"1", ["a cat"], **arguments)
    assert not service.requests


async def test_the_row_is_named(client: AsyncClient) -> None:
    rows = offsets("a", "b", "c")
    rows[2][1] = (0, 7)
    with pytest.raises(ValueError, match=r"offsets\[2\]: token 1"):
        await client.token_rewards(b"1", ["a", "b", "c"], offsets=rows)


async def test_nothing_to_judge(client: AsyncClient) -> None:
    with pytest.raises(ValueError, match="nothing to judge"):
        await client.token_rewards([], [], offsets=[])


async def test_the_judge_is_the_only_one_for_tokens_or_named() -> None:
    both = FakeRewards(info("one", Want.TOKEN_REWARDS), info("two", Want.TOKEN_REWARDS))
    async with AsyncClient(transport=both) as client:
        with pytest.raises(ValueError, match="'one', 'two': name one"):
            await client.token_rewards(b"1", "a", offsets=[(0, 1)])
        assert (await client.token_rewards(b"1", "a", offsets=[(0, 1)], judge="two")).judge == "two"


async def test_a_call_that_is_too_late(client: AsyncClient) -> None:
    with pytest.raises(DeadlineExceeded):
        await client.token_rewards(b"1", "a", offsets=[(0, 1)], timeout=0)


def test_the_client_without_a_loop_says_the_same(service: FakeRewards) -> None:
    with Client(factory=lambda: AsyncClient(transport=service)) as client:
        rewards = client.token_rewards([b"1", b"2"], TEXTS, offsets=offsets(*TEXTS), regions=True)
        steps = client.step_rewards(b"1", TEXTS)
    assert rewards.values.tolist() == [[0, *expected(text), 0] for text in TEXTS]
    assert rewards.regions is not None
    assert steps.judge == "csr" and steps.mask.sum(1).tolist() == [3, 3]


async def test_values_are_a_tensor_without_copying(client: AsyncClient) -> None:
    torch = pytest.importorskip("torch")
    rewards = await client.token_rewards(b"1", TEXTS, offsets=offsets(*TEXTS))
    tensor = torch.from_numpy(rewards.values)
    assert tensor.data_ptr() == rewards.values.ctypes.data and tensor.dtype == torch.float32

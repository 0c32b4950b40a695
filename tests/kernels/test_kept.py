"""On a CPU, what is masked is left out of the products, in any pattern, and changes no bit."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.kernels.cases import Batch, batch, same_bits
from torch import Tensor

from mmjudge.kernels import late_interaction_matrix, late_interaction_pairs, token_image_reward
from mmjudge.kernels.blocked import matrix, pairs, pooling
from mmjudge.kernels.blocked.kept import Mask, extents, kept_rows, packed
from mmjudge.kernels.segments import Segments

pytestmark = pytest.mark.usefixtures("blocked_backend")

EVERYTHING = {"return_tokens": True, "return_argmax": True}


CPU = torch.device("cpu")


def mask(pattern: str) -> Mask:
    """A row for each character: `.` is masked."""
    return np.array([one != "." for one in pattern], np.bool_)


@pytest.mark.parametrize(
    ("pattern", "rows", "hidden"),
    [
        ("xxxxxxxx", slice(0, 8), []),
        ("xxx.xxxx", slice(0, 8), [3]),
        ("xxxx....", slice(0, 4), []),
        ("...xx...", slice(3, 5), []),
        ("x..x.x..", [0, 3, 5], []),
        ("x.......", slice(0, 1), []),
        ("........", slice(0, 0), []),
        ("", slice(0, 0), []),
    ],
)
def test_few_masked_rows_are_hidden_and_many_left_out(
    pattern: str, rows: slice | list[int], hidden: list[int]
) -> None:
    kept = kept_rows(mask(pattern), CPU)
    assert (kept.rows if isinstance(kept.rows, slice) else kept.rows.tolist()) == rows
    assert kept.hidden.tolist() == hidden


@pytest.mark.parametrize("start", [0, 3, 4])
def test_hidden_rows_are_found_in_any_part(start: int) -> None:
    kept, block = kept_rows(mask("xxx.xxxx"), CPU), torch.zeros(3, 2)
    kept.hide(block, 0, start)
    wanted = [start + row == 3 for row in range(3)]
    assert block.isneginf().tolist() == [[one, one] for one in wanted]


@pytest.mark.parametrize("pattern", ["xxx.xxxx", "...xx...", "x..x.x.."])
def test_indices_among_the_rows_kept_lead_back(pattern: str) -> None:
    kept, all_rows = kept_rows(mask(pattern), CPU), torch.arange(len(pattern))
    among = torch.arange(len(all_rows[kept.rows]))
    assert torch.equal(kept.original(among), all_rows[kept.rows])


def test_rows_that_do_not_count_become_copies_of_the_first_that_does() -> None:
    kept = kept_rows(mask("..xx.xxxxxxxxx"), CPU)
    rows = torch.arange(14.0)[:, None].repeat(1, 2)
    kept.stand_in(rows)
    assert rows[:, 0].tolist() == [2, 2, 2, 3, 2, *range(5, 14)]
    # A maximum that they share with it is its own.
    assert kept.original(torch.tensor([0, 1, 2, 3])).tolist() == [2, 2, 2, 3]


def test_where_the_rows_that_count_lie() -> None:
    of = Segments("cu", torch.tensor([0, 4, 4, 6, 7]), 4, 7, CPU)
    assert extents(mask(".xx...x"), of) == ([1, -1, -1, 0], [3, 0, 0, 1])
    assert extents(mask("xxxxxxx"), of) == ([0, -1, 0, 0], [4, 0, 2, 1])
    assert extents(mask("......."), of) == ([-1] * 4, [0] * 4)


def test_packed_texts_know_where_their_rows_were() -> None:
    texts = Segments("cu", None, 3, 12, CPU)
    rows = torch.arange(12.0)
    text = packed(rows[:, None], rows, texts, mask(".x..x.x....."))
    assert text.rows[:, 0].tolist() == text.scale.tolist() == [1.0, 4.0, 6.0]
    assert text.segments.host == [0, 1, 3, 3]
    assert text.original(torch.tensor([[0], [1], [-1]]), texts)[:2].tolist() == [[1], [2]]


def test_texts_padded_alike_stay_alike() -> None:
    """So that several of them are reduced at a time."""
    texts = Segments("cu", None, 3, 12, CPU)
    text = packed(torch.zeros(12, 1), torch.ones(12), texts, mask("xx.." * 3))
    assert text.segments.uniform == 2


CALLS: dict[str, tuple[Any, Callable[..., Any], dict[str, Any]]] = {
    "pairs": (pairs, late_interaction_pairs, EVERYTHING),
    "matrix": (matrix, late_interaction_matrix, EVERYTHING),
    "softmax": (pooling, token_image_reward, {"pool": "softmax", "tau": 0.1}),
}


@pytest.mark.parametrize("name", CALLS)
def test_padding_is_not_multiplied(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Texts of 20 tokens padded to 320, images of 16 patches padded to 256: 1/256 of the work."""
    module, operation, options = CALLS[name]
    made: list[int] = []

    def counted(a: Tensor, b: Tensor) -> Tensor:
        made.append(a.shape[:-1].numel() * b.shape[-2])
        return torch.as_tensor(products(a, b))

    products = module.products
    monkeypatch.setattr(module, "products", counted)
    compact = batch([20, 20], [16, 16], 8)
    wanted = compact(operation, **options)
    least, made[:] = sum(made), []
    found = compact.padded(240)(operation, **options)
    assert 0 < sum(made) <= 2 * least
    for one, other in zip(wanted, found, strict=True):
        if one is not None and one.dim() == other.dim():
            assert same_bits(one, other)


def masked(given: Batch, pattern: Callable[[int], Tensor]) -> Batch:
    """Every text and image with its rows masked by `pattern(length)`."""
    token = torch.cat([pattern(length) for length in given.tokens])
    patch = torch.cat([pattern(length) for length in given.patches])
    return Batch(given.text, given.image, given.tokens, given.patches, token, patch)


@pytest.mark.parametrize("dim", [16, 800])
@pytest.mark.parametrize("operation", [late_interaction_pairs, late_interaction_matrix])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_any_share_masked_is_as_if_it_were_not_there(
    operation: Callable[..., Any], share: float, dim: int
) -> None:
    """Hidden among the products, or left out of them; NaN in what is masked."""
    random = torch.Generator().manual_seed(1)
    given = masked(
        batch([40, 70, 40], [50, 64, 33], dim),
        lambda length: torch.rand(length, generator=random) >= share,
    )
    given.text[~given.kept_tokens] = torch.nan
    given.image[~given.kept_patches] = torch.nan
    rest = Batch(
        given.text[given.kept_tokens], given.image[given.kept_patches],
        tuple(int(given.kept_tokens[run].sum()) for run in given.texts),
        tuple(int(given.kept_patches[run].sum()) for run in given.images),
    )  # fmt: skip
    found, wanted = given(operation, **EVERYTHING), rest(operation, **EVERYTHING)
    assert same_bits(found.t2i, wanted.t2i) and same_bits(found.i2t, wanted.i2t)
    assert same_bits(found.token_max[given.kept_tokens], wanted.token_max)
    assert not found.token_max[~given.kept_tokens].any()
    assert bool((found.token_argmax[~given.kept_tokens] == -1).all())
    for image, run in enumerate(given.images):
        places = given.kept_patches[run].nonzero()[:, 0]
        for text in range(3):
            if operation is late_interaction_pairs and text != image:
                continue
            rows, few = given.texts[text], rest.texts[text]
            column = () if operation is late_interaction_pairs else (image,)
            here = found.token_argmax[(rows, *column)][given.kept_tokens[rows]]
            assert torch.equal(here.long(), places[wanted.token_argmax[(few, *column)].long()])

"""What the kernels share: loads of rows, products, scales, and maxima as sortable keys."""

import triton
import triton.language as tl

NONE = tl.constexpr(-(1 << 63))  # the key of no maximum at all


@triton.jit
def load_block(values, tiles, first, keep, stride, k0, BLOCK: tl.constexpr, BK: tl.constexpr):
    """`[BLOCK, BK]` features of the rows from `first` on; of rows not kept there may be anything.

    By descriptor where there is one (`tiles`), else by pointers.
    """
    if tiles is not None:
        block = tiles.load([first, k0])
    else:
        rows = (first + tl.arange(0, BLOCK)).to(tl.int64)
        at = values + rows[:, None] * stride + (k0 + tl.arange(0, BK))[None, :]
        block = tl.load(at, mask=keep[:, None], other=0.0)
    return block


@triton.jit
def product(a, b, total, UPCAST: tl.constexpr, PRECISION: tl.constexpr):
    """`total + a @ b.T` in float32; the interpreter needs UPCAST, it multiplies bfloat16's bits."""
    if UPCAST:
        a = a.to(tl.float32)
        b = b.to(tl.float32)
    return tl.dot(a, tl.trans(b), total, input_precision=PRECISION)


@triton.jit
def squares(block, NORMALIZE: tl.constexpr):
    """Sums of squares along the last axis; without normalisation 0, yet not finite as its rows."""
    wide = block.to(tl.float32)
    return tl.sum(wide * wide, 1) if NORMALIZE else tl.sum(wide * 0.0, 1)


@triton.jit
def scale_of(squared, keep, eps, NORMALIZE: tl.constexpr):
    """What dot products of a row are multiplied with: see `blocked.products.scales`."""
    if NORMALIZE:
        norm = tl.sqrt(squared)
        scale = tl.where(norm < eps, 0.0, 1.0 / tl.where(norm < eps, 1.0, norm))
    else:
        scale = squared + 1.0
    # inf - inf and nan - nan are NaN, anything finite less itself is 0.
    scale = scale + (squared - squared)
    return tl.where(keep, scale, -1.0)


@triton.jit
def similarities(
    text, image, text_tiles, image_tiles, row, row_keep, column, column_keep,
    text_stride, image_stride, D, eps,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
    NORMALIZE: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Dot products `[BM, BN]` and the scales of both sides from one reading of both."""
    total = tl.zeros([BM, BN], tl.float32)
    row_squared = tl.zeros([BM], tl.float32)
    column_squared = tl.zeros([BN], tl.float32)
    for k0 in range(0, D, BK):
        a = load_block(text, text_tiles, row, row_keep, text_stride, k0, BM, BK)
        b = load_block(image, image_tiles, column, column_keep, image_stride, k0, BN, BK)
        total = product(a, b, total, UPCAST, PRECISION)
        row_squared += squares(a, NORMALIZE)
        column_squared += squares(b, NORMALIZE)
    row_scale = scale_of(row_squared, row_keep, eps, NORMALIZE)
    column_scale = scale_of(column_squared, column_keep, eps, NORMALIZE)
    return total, row_scale, column_scale


@triton.jit
def segment(offsets, i):
    """First row of segment i, and the first after it; int32 spares registers, rows fit it."""
    return tl.load(offsets + i).to(tl.int32), tl.load(offsets + i + 1).to(tl.int32)


@triton.jit
def kept(keep, rows, inside):
    """Which rows count: those inside, less those a mask leaves out."""
    if keep is not None:
        inside = inside & (tl.load(keep + rows, mask=inside, other=0) != 0)
    return inside


@triton.jit
def first_equal(block, best, indices, keep, AXIS: tl.constexpr):
    """The lowest kept index along AXIS at which `block` equals `best`; 2^31 - 1: there is none.

    Of what is kept nothing comes before the first; where `best` is -inf, what is not kept might.
    """
    along = tl.expand_dims(indices, 1 - AXIS)
    found = tl.min(tl.where(block == tl.expand_dims(best, AXIS), along, 0x7FFFFFFF), AXIS)
    return tl.maximum(found, tl.min(tl.where(keep, indices, 0x7FFFFFFF), 0))


@triton.jit
def key_of(value, index):
    """An int64 that orders by value, then by lower index; NaN above all.

    Integer maxima do not depend on their order, so blocks may combine them by atomics and give the
    same bits on every run.
    """
    value = tl.where(value == 0.0, 0.0, value)  # -0.0 ties with 0.0
    bits = value.to(tl.int32, bitcast=True)
    bits = tl.where(value != value, 0x7FC00000, bits)
    ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    return (ordered.to(tl.int64) << 32) | (0x7FFFFFFF - index).to(tl.int64)


@triton.jit
def decode_keys(keys, value_out, winner_out, N, BLOCK: tl.constexpr):
    """Maxima and winners of keys; 0 and -1 (ABSENT) of none, NaN and -2 (POISONED) of NaN."""
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    key = tl.load(keys + at, mask=at < N, other=NONE)
    ordered = (key >> 32).to(tl.int32)
    bits = ordered ^ ((ordered >> 31) & 0x7FFFFFFF)
    value = bits.to(tl.float32, bitcast=True)
    winner = 0x7FFFFFFF - (key & 0x7FFFFFFF).to(tl.int32)
    winner = tl.where(value != value, -2, winner)
    tl.store(value_out + at, tl.where(key == NONE, 0.0, value), mask=at < N)
    tl.store(winner_out + at, tl.where(key == NONE, -1, winner), mask=at < N)

"""Pickles that cost much for few bytes, and bytes that are no pickles."""

import pickle
import struct
from collections.abc import Iterator


def bombs() -> Iterator[tuple[str, bytes]]:
    """Few bytes that would cost much memory, much time or a deep stack."""
    yield "BINBYTES of 2 GiB", b"B" + struct.pack("<I", 2**31 - 1) + b"a."
    yield "BINBYTES8 of 8 EiB", b"\x80\x04\x8e" + struct.pack("<Q", 2**63 - 1) + b"a."
    yield "BINUNICODE8 of 8 EiB", b"\x80\x04\x8d" + struct.pack("<Q", 2**63 - 1) + b"a."
    yield "BYTEARRAY8 of 1 TiB", b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"a."
    yield "FRAME and nothing", b"\x80\x04\x95" + struct.pack("<Q", 2**63) + b""
    yield "LONG4 of 2 GiB", b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"a."
    yield (
        "LONG4 of a million bytes",
        b"\x80\x02\x8b" + struct.pack("<i", 10**6) + b"a" * 10**6 + b".",
    )
    yield "LONG of many digits", b"L" + b"9" * 100_000 + b"L\n."
    yield "PUT at 2**31 in the memo", b"\x80\x02Nr\xff\xff\xff\x7f0j\xff\xff\xff\x7e."
    yield "nested lists", b"(" * 50_000 + b"l" * 50_000 + b"."
    yield "nested tuples", b")" + b"\x85" * 100_000 + b"."
    yield "nested dicts", b"}K\x01" * 20_000 + b"N" + b"s" * 20_000 + b"."
    yield "a list in itself", b"\x80\x02]q\x00h\x00a."
    yield "a dict in itself", b"\x80\x02}q\x00K\x01h\x00s."
    # Each tuple holds the one before twice: its hash would take 2 to the 60th.
    laughs = b"\x80\x02)q\x00" + b"".join(b"h%ch%c\x86q%c" % (i, i, i + 1) for i in range(60))
    yield "billion laughs as a key", laughs + b"}h\x3cK\x01s."
    yield "billion laughs in a set", laughs + b"0\x8f(h\x3c\x90."
    yield "billion laughs in a frozenset", laughs + b"0(h\x3c\x91."
    big = b"X" + struct.pack("<I", 1_000_000) + b"a" * 1_000_000 + b"q\x000"
    again = b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R"
    yield "a text encoded again and again", b"\x80\x02" + big + b"(" + again * 1000 + b"l."
    copied = b"cbuiltins\nbytearray\nh\x00\x85R"
    held = b"B" + struct.pack("<I", 1_000_000) + b"a" * 1_000_000 + b"q\x000"
    yield "bytes copied again and again", b"\x80\x03" + held + b"(" + copied * 1000 + b"l."
    elements = b"](" + b"".join(b"J" + struct.pack("<i", i) for i in range(10_000)) + b"eq\x000"
    yield (
        "a list made a set again and again",
        b"\x80\x02" + elements + b"(" + (b"cbuiltins\nset\nh\x00\x85R" * 1000) + b"l.",
    )
    numbers = b"".join(
        b"\x8a\x11" + (k * (2**61 - 1) + 2**70).to_bytes(17, "little") + b"N" for k in range(1000)
    )
    yield "keys of one hash", b"\x80\x02}(" + numbers + b"u."


def broken() -> Iterator[tuple[str, bytes]]:
    """Bytes that are no pickle at all."""
    yield "nothing", b""
    yield "a text", b"not a pickle"
    yield "json", b'{"images": []}'
    yield "a stop", b"."
    yield "cut short", pickle.dumps({"images": [b"a" * 100]})[:-20]
    yield "two values", b"NN."
    yield "an open mark", b"(N."
    yield "an empty stack", b"a."
    yield "too few for a tuple", b"\x80\x02N\x86."
    yield "a memo that is empty", b"\x80\x02h\x00."
    yield "a key without a value", b"}(Nu."
    yield "append to a tuple", b")Na."
    yield "items of a list", b"](NNu."
    yield "protocol 9", b"\x80\x09N."
    yield "no such opcode", b"\xff."
    yield "a call of a text", b"Va\n)R."
    yield "a call without a tuple", b"cbuiltins\nset\n]R."

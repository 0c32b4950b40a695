"""The MMIE scorer behind a real channel, on tiny random weights in its original layout."""

from pathlib import Path

import pytest
from tests.e2e.live_server import live

from mmjudge.contract.images import EncodedImage
from mmjudge.contract.items import Candidate, Item
from mmjudge.v1 import verdict_pb2 as pb

CHECKPOINT = Path(__file__).resolve().parents[3] / "shared/goldens/mmie"


def picture(name: str) -> EncodedImage:
    return EncodedImage((CHECKPOINT / "images" / name).read_bytes())


@pytest.mark.skipif(not CHECKPOINT.is_dir(), reason="no goldens beside this repository")
async def test_gibberish_is_an_abstention_and_fewer_tiles_are_told() -> None:
    section = {
        "kind": "mmie",
        "model": str(CHECKPOINT / "checkpoint"),
        "device": "cpu",
        "dtype": "float32",
        "prompts": "paraphrased",
        "max_new_tokens": 8,
    }
    photographs = ("d12_synth_1920x1080.png", "d08_synth_1000x800.png", "d02_coffee_480x320.png")
    story = Item(
        ["Go on from here.", picture("d16_tiny_1x1.png")],
        [Candidate(["Once.", *map(picture, photographs)])],
        attributes={"category": "SA"},
    )
    unknown = Item(["Tell."], [Candidate(["Once."])], id="SA-1")
    short = Item(["Tell."], [Candidate(["Once."])], attributes={"category": "PBL"})
    async with live(mmie=section) as server:
        told, refused, again = await server.judge(story, unknown, short, judge="mmie")
    assert told.abstention.reason == pb.ABSTENTION_REASON_CUT_SHORT
    assert told.abstention.raw_text
    assert told.abstention.field == "candidates[0]"
    assert [note.code for note in told.notes] == ["TILES_REDUCED"] * len(told.notes) != []
    assert {note.field for note in told.notes} <= {
        f"candidates[0].parts[{place}].image" for place in (1, 2, 3)
    }
    assert (refused.error.reason, refused.error.field) == (
        "CATEGORY_EXPECTED",
        "attributes.category",
    )
    assert again.WhichOneof("outcome") == "abstention"
    assert not again.notes

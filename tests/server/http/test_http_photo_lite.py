"""A real judge over HTTP: the same photographs get the same scores as over gRPC."""

import asyncio
import json
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from tests.server.fakes import within
from tests.server.grpc_fixtures import connected, request, value
from tests.server.http.http_fixtures import HttpPeer, base64

from mmjudge.contract.images import EncodedImage
from mmjudge.contract.items import Candidate, Item
from mmjudge.server.config import DEFAULT_JUDGES, CacheConfig, ServerConfig
from mmjudge.server.http.config import HttpConfig, HttpJudges
from mmjudge.server.serving import Server

PHOTOS = Path(__file__).resolve().parents[3] / "examples" / "photos"
JUDGE = "photo-lite"


def file(picture: Image.Image, kind: str) -> bytes:
    """The picture as a client encodes it."""
    held = BytesIO()
    picture.save(held, kind)
    return held.getvalue()


async def test_photographs_get_the_scores_of_grpc_over_every_protocol() -> None:
    photos = json.loads((PHOTOS / "captions.json").read_text())[:3]
    texts = [photo["caption"] for photo in photos]
    pictures = [
        Image.open(PHOTOS / photo["file"]).convert("RGB").resize((160, 120)) for photo in photos
    ]
    pngs, jpegs = ([file(one, kind) for one in pictures] for kind in ("PNG", "JPEG"))

    def item(text: str, data: bytes) -> Item:
        return Item([text], [Candidate([EncodedImage(data)])])

    judges = HttpJudges(
        openrlhf=JUDGE, slime=JUDGE, unirl=(JUDGE,), flow_factory=JUDGE, pickle=JUDGE
    )
    server = Server(
        ServerConfig(
            address="127.0.0.1:0",
            cache=CacheConfig(feature_bytes=0),
            judges=DEFAULT_JUDGES,
            http=HttpConfig(address="127.0.0.1:0", judges=judges, allow_pickle=True),
        )
    )
    try:
        await asyncio.wait_for(server.start(), 120)
        async with connected(server) as grpc:
            http = HttpPeer(server, grpc)
            asked = [item(text, png) for text, png in zip(texts, pngs, strict=True)]
            asked += [item(text, jpeg) for text, jpeg in zip(texts, jpegs, strict=True)]
            response = await within(grpc.stub.Judge(request(*asked, judges=[JUDGE])))
            scores = [value(verdict) for verdict in response.results[0].verdicts]
            of_pngs, of_jpegs = scores[:3], scores[3:]
            assert len(set(scores)) == len(scores)

            body = {"prompt": texts, "image": list(map(base64, pngs))}
            assert (await http.post("/compute", body)).json == {"rewards": of_pngs}
            requests = [
                {"history": [{"text": text, "image_b64": base64(png)}], "required_rewards": [JUDGE]}
                for text, png in zip(texts, pngs, strict=True)
            ]
            told = (await http.post("/score", {"requests": requests})).json
            assert [row[JUDGE]["score"] for row in told["results"]] == of_pngs
            pickled = {"images": jpegs, "prompts": np.array(texts)}
            assert (await http.pickle(pickled)).pickled == {"outputs": of_jpegs}

            label = f"data:image/png;base64,{base64(pngs[0])}"
            sample = {"prompt": "Describe it. ", "response": texts[0], "label": label}
            assert (await http.post("/slime", sample)).json == of_pngs[0]
            query = {"query": ["Describe it. " + texts[0]], "prompts": ["Describe it. "]}
            reply = await http.post("/get_reward", query | {"labels": [label]})
            assert reply.json["rewards"] == [of_pngs[0]]

            broken = {"prompt": texts, "image": [base64(pngs[0]), base64(b"no image"), ""]}
            reply = await http.post("/compute", broken)
            assert reply.status == 422
            told = [(one["index"], one["reason"]) for one in reply.json["items"]]
            assert told == [(1, "IMAGE_UNDECODABLE"), (2, "IMAGE_EMPTY")]
            assert reply.json["items"][0]["part"] == "candidates[0].parts[0].image"
    finally:
        await asyncio.wait_for(server.stop(0), 120)

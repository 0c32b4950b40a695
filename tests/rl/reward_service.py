"""Judges that count: of a text its characters, of pixels their mean; some fail, as real ones do."""

from typing import Any

from tests.client.fake_service import FakeService

from mmjudge.contract.tensors import decode_tensor
from mmjudge.v1 import judge_pb2 as pb
from mmjudge.v1 import verdict_pb2

FACTORS = {"long": 1.0, "short": -1.0, "hundredfold": 100.0, "watcher": 1.0}


class RewardService(FakeService):
    """A candidate is worth its characters or its mean pixel, times the judge's factor.

    An item with an empty text or a black picture fails as a whole, and names the candidate; the
    judge "short" fails on the text "unfit", too, and every judge abstains on the text "shy" alone
    in its item.
    """

    def __init__(self, *names: str, **options: Any) -> None:
        super().__init__(*(names or ("long",)), **options)
        self.generation = "first"

    async def Judge(self, request: pb.JudgeRequest, context: Any) -> pb.JudgeResponse:
        await self._enter(request, context)
        return pb.JudgeResponse(
            results=[
                pb.JudgeResult(
                    judge=judge,
                    fingerprint=f"{judge} of the {self.generation}",
                    verdicts=[verdict(item, judge) for item in request.items],
                )
                for judge in request.judges
            ]
        )


def verdict(item: pb.Item, judge: str) -> verdict_pb2.Verdict:
    """Return what `judge` makes of an item."""
    scores = []
    for k, candidate in enumerate(item.candidates):
        (part,) = candidate.parts
        if part.WhichOneof("content") == "image":
            value = float(decode_tensor(part.image.pixels, field="pixels").mean())
            bad = "IMAGE_BLACK" if value == 0 else ""
        else:
            value = float(len(part.text))
            bad = "" if part.text else "TEXT_EMPTY"
            if judge == "short" and part.text == "unfit":
                bad = "TEXT_UNFIT"
        if bad:
            error = verdict_pb2.Error(
                code="ERROR_CODE_INVALID_ARGUMENT",
                reason=bad,
                field=f"candidates[{k}].parts[0]",
                message="nothing to judge",
            )
            return verdict_pb2.Verdict(error=error)
        if part.text == "shy" and len(item.candidates) == 1:
            shy = verdict_pb2.Abstention(reason="ABSTENTION_REASON_REFUSED", message="no")
            return verdict_pb2.Verdict(abstention=shy)
        scores.append(verdict_pb2.Score(value=value * FACTORS[judge]))
    return verdict_pb2.Verdict(judgement=verdict_pb2.Judgement(scores=scores))

"""Reading a server's answers, and refusing those that do not fit what was asked."""

from mmjudge.contract import ItemError, Judgement, ServerFault, Verdict
from mmjudge.contract.wire_verdicts import verdict_from_proto
from mmjudge.v1 import verdict_pb2


class Fingerprints(dict[str, str]):
    """The fingerprint of each judge in one call, which may not change before its end."""

    def add(self, judge: str, fingerprint: str) -> None:
        """Take note of an answer; raises ServerFault if `judge` answered as another one before."""
        first = self.setdefault(judge, fingerprint)
        if first != fingerprint:
            raise ServerFault(
                f"judge {judge!r} changed in the middle of the call, from fingerprint "
                f"{first[:12]} to {fingerprint[:12]}: its scores do not compare; call again"
            )


def read_verdict(
    message: verdict_pb2.Verdict, *, judge: str, index: int, candidates: int
) -> Verdict:
    """Decode one verdict on an item of so many candidates; raises ServerFault if it cannot be."""
    try:
        verdict = verdict_from_proto(message)
    except (ItemError, ValueError) as error:
        raise ServerFault(
            f"verdict of judge {judge!r} on item {index} cannot be read: {error} (is the server "
            "newer than this client?)"
        ) from error
    match verdict.outcome:
        case Judgement(scores) if len(scores) != candidates:
            raise ServerFault(
                f"judge {judge!r} scored {len(scores)} candidates of item {index}, which has "
                f"{candidates}"
            )
    return verdict

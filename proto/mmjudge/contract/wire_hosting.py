"""What a server hosts, to and from `mmjudge.v1`."""

from dataclasses import asdict

from mmjudge.contract.info import Hosting, Input, JudgeInfo, Limits
from mmjudge.contract.items import Want
from mmjudge.v1 import judge_pb2 as pb

_WANTS = frozenset(map(int, Want))
_INPUTS = frozenset(map(int, Input))


def hosting_to_proto(hosting: Hosting) -> pb.ListJudgesResponse:
    """Encode for the wire, judges ordered by name."""
    return pb.ListJudgesResponse(
        judges=[_info_to_proto(hosting.judges[name]) for name in sorted(hosting.judges)],
        limits=pb.Limits(**asdict(hosting.limits)),
        server_version=hosting.server_version,
    )


def hosting_from_proto(message: pb.ListJudgesResponse) -> Hosting:
    """Decode from the wire; wants and inputs that this version does not know are left out."""
    limits = message.limits
    return Hosting(
        judges={info.name: _info_from_proto(info) for info in message.judges},
        limits=Limits(
            max_message_bytes=limits.max_message_bytes,
            max_items=limits.max_items,
            max_candidates=limits.max_candidates,
            max_text_bytes=limits.max_text_bytes,
            max_image_pixels=limits.max_image_pixels,
        ),
        server_version=message.server_version,
    )


def _info_to_proto(info: JudgeInfo) -> pb.JudgeInfo:
    low, high = info.range
    return pb.JudgeInfo(
        name=info.name,
        kind=info.kind,
        fingerprint=info.fingerprint,
        provenance=info.provenance,
        wants=[f"WANT_{want.name}" for want in info.wants],
        criteria=info.criteria,
        reads=[f"INPUT_{read.name}" for read in info.reads],
        range=pb.Range(min=low, max=high),
        description=info.description,
        caution=info.caution,
    )


def _info_from_proto(info: pb.JudgeInfo) -> JudgeInfo:
    low = info.range.min if info.range.HasField("min") else None
    high = info.range.max if info.range.HasField("max") else None
    return JudgeInfo(
        name=info.name,
        kind=info.kind,
        fingerprint=info.fingerprint,
        provenance=dict(info.provenance),
        wants=tuple(Want(want) for want in info.wants if want in _WANTS),
        reads=tuple(Input(read) for read in info.reads if read in _INPUTS),
        range=(low, high),
        criteria=tuple(info.criteria),
        description=info.description,
        caution=info.caution,
    )

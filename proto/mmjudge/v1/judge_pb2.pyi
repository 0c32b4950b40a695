from mmjudge.v1 import media_pb2 as _media_pb2
from mmjudge.v1 import verdict_pb2 as _verdict_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Want(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WANT_UNSPECIFIED: _ClassVar[Want]
    WANT_SCORE: _ClassVar[Want]
    WANT_PREFERENCE: _ClassVar[Want]
    WANT_STEP_REWARDS: _ClassVar[Want]
    WANT_TOKEN_REWARDS: _ClassVar[Want]

class Input(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INPUT_UNSPECIFIED: _ClassVar[Input]
    INPUT_PROMPT_TEXT: _ClassVar[Input]
    INPUT_PROMPT_IMAGE: _ClassVar[Input]
    INPUT_CANDIDATE_TEXT: _ClassVar[Input]
    INPUT_CANDIDATE_IMAGE: _ClassVar[Input]
    INPUT_REFERENCE_TEXT: _ClassVar[Input]
    INPUT_REFERENCE_IMAGE: _ClassVar[Input]
    INPUT_ATTRIBUTES: _ClassVar[Input]
    INPUT_SPANS: _ClassVar[Input]
    INPUT_LOG_PROBS: _ClassVar[Input]
WANT_UNSPECIFIED: Want
WANT_SCORE: Want
WANT_PREFERENCE: Want
WANT_STEP_REWARDS: Want
WANT_TOKEN_REWARDS: Want
INPUT_UNSPECIFIED: Input
INPUT_PROMPT_TEXT: Input
INPUT_PROMPT_IMAGE: Input
INPUT_CANDIDATE_TEXT: Input
INPUT_CANDIDATE_IMAGE: Input
INPUT_REFERENCE_TEXT: Input
INPUT_REFERENCE_IMAGE: Input
INPUT_ATTRIBUTES: Input
INPUT_SPANS: Input
INPUT_LOG_PROBS: Input

class ListJudgesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListJudgesResponse(_message.Message):
    __slots__ = ("judges", "limits", "server_version")
    JUDGES_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    judges: _containers.RepeatedCompositeFieldContainer[JudgeInfo]
    limits: Limits
    server_version: str
    def __init__(self, judges: _Optional[_Iterable[_Union[JudgeInfo, _Mapping]]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., server_version: _Optional[str] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_message_bytes", "max_items", "max_candidates", "max_text_bytes", "max_image_pixels")
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_ITEMS_FIELD_NUMBER: _ClassVar[int]
    MAX_CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    MAX_TEXT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_IMAGE_PIXELS_FIELD_NUMBER: _ClassVar[int]
    max_message_bytes: int
    max_items: int
    max_candidates: int
    max_text_bytes: int
    max_image_pixels: int
    def __init__(self, max_message_bytes: _Optional[int] = ..., max_items: _Optional[int] = ..., max_candidates: _Optional[int] = ..., max_text_bytes: _Optional[int] = ..., max_image_pixels: _Optional[int] = ...) -> None: ...

class JudgeInfo(_message.Message):
    __slots__ = ("name", "kind", "fingerprint", "provenance", "wants", "criteria", "reads", "range", "description", "caution")
    class ProvenanceEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    WANTS_FIELD_NUMBER: _ClassVar[int]
    CRITERIA_FIELD_NUMBER: _ClassVar[int]
    READS_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CAUTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    fingerprint: str
    provenance: _containers.ScalarMap[str, str]
    wants: _containers.RepeatedScalarFieldContainer[Want]
    criteria: _containers.RepeatedScalarFieldContainer[str]
    reads: _containers.RepeatedScalarFieldContainer[Input]
    range: Range
    description: str
    caution: str
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., fingerprint: _Optional[str] = ..., provenance: _Optional[_Mapping[str, str]] = ..., wants: _Optional[_Iterable[_Union[Want, str]]] = ..., criteria: _Optional[_Iterable[str]] = ..., reads: _Optional[_Iterable[_Union[Input, str]]] = ..., range: _Optional[_Union[Range, _Mapping]] = ..., description: _Optional[str] = ..., caution: _Optional[str] = ...) -> None: ...

class Range(_message.Message):
    __slots__ = ("min", "max")
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    min: float
    max: float
    def __init__(self, min: _Optional[float] = ..., max: _Optional[float] = ...) -> None: ...

class JudgeRequest(_message.Message):
    __slots__ = ("judges", "items", "want", "criteria", "options")
    JUDGES_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    WANT_FIELD_NUMBER: _ClassVar[int]
    CRITERIA_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    judges: _containers.RepeatedScalarFieldContainer[str]
    items: _containers.RepeatedCompositeFieldContainer[Item]
    want: Want
    criteria: _containers.RepeatedScalarFieldContainer[str]
    options: Options
    def __init__(self, judges: _Optional[_Iterable[str]] = ..., items: _Optional[_Iterable[_Union[Item, _Mapping]]] = ..., want: _Optional[_Union[Want, str]] = ..., criteria: _Optional[_Iterable[str]] = ..., options: _Optional[_Union[Options, _Mapping]] = ...) -> None: ...

class Options(_message.Message):
    __slots__ = ("regions", "rationale", "raw_text")
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    RATIONALE_FIELD_NUMBER: _ClassVar[int]
    RAW_TEXT_FIELD_NUMBER: _ClassVar[int]
    regions: bool
    rationale: bool
    raw_text: bool
    def __init__(self, regions: bool = ..., rationale: bool = ..., raw_text: bool = ...) -> None: ...

class Item(_message.Message):
    __slots__ = ("id", "prompt", "candidates", "references", "attributes")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    id: str
    prompt: _containers.RepeatedCompositeFieldContainer[_media_pb2.Part]
    candidates: _containers.RepeatedCompositeFieldContainer[Candidate]
    references: _containers.RepeatedCompositeFieldContainer[Reference]
    attributes: _containers.ScalarMap[str, str]
    def __init__(self, id: _Optional[str] = ..., prompt: _Optional[_Iterable[_Union[_media_pb2.Part, _Mapping]]] = ..., candidates: _Optional[_Iterable[_Union[Candidate, _Mapping]]] = ..., references: _Optional[_Iterable[_Union[Reference, _Mapping]]] = ..., attributes: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Candidate(_message.Message):
    __slots__ = ("parts", "spans", "log_probs")
    PARTS_FIELD_NUMBER: _ClassVar[int]
    SPANS_FIELD_NUMBER: _ClassVar[int]
    LOG_PROBS_FIELD_NUMBER: _ClassVar[int]
    parts: _containers.RepeatedCompositeFieldContainer[_media_pb2.Part]
    spans: _media_pb2.Tensor
    log_probs: _media_pb2.Tensor
    def __init__(self, parts: _Optional[_Iterable[_Union[_media_pb2.Part, _Mapping]]] = ..., spans: _Optional[_Union[_media_pb2.Tensor, _Mapping]] = ..., log_probs: _Optional[_Union[_media_pb2.Tensor, _Mapping]] = ...) -> None: ...

class Reference(_message.Message):
    __slots__ = ("parts",)
    PARTS_FIELD_NUMBER: _ClassVar[int]
    parts: _containers.RepeatedCompositeFieldContainer[_media_pb2.Part]
    def __init__(self, parts: _Optional[_Iterable[_Union[_media_pb2.Part, _Mapping]]] = ...) -> None: ...

class JudgeResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[JudgeResult]
    def __init__(self, results: _Optional[_Iterable[_Union[JudgeResult, _Mapping]]] = ...) -> None: ...

class JudgeResult(_message.Message):
    __slots__ = ("judge", "fingerprint", "verdicts", "timing")
    JUDGE_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    judge: str
    fingerprint: str
    verdicts: _containers.RepeatedCompositeFieldContainer[_verdict_pb2.Verdict]
    timing: _verdict_pb2.Timing
    def __init__(self, judge: _Optional[str] = ..., fingerprint: _Optional[str] = ..., verdicts: _Optional[_Iterable[_Union[_verdict_pb2.Verdict, _Mapping]]] = ..., timing: _Optional[_Union[_verdict_pb2.Timing, _Mapping]] = ...) -> None: ...

class JudgeStreamRequest(_message.Message):
    __slots__ = ("request",)
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    request: JudgeRequest
    def __init__(self, request: _Optional[_Union[JudgeRequest, _Mapping]] = ...) -> None: ...

class JudgeStreamResponse(_message.Message):
    __slots__ = ("judge_index", "item_index", "verdict", "fingerprint", "timing")
    JUDGE_INDEX_FIELD_NUMBER: _ClassVar[int]
    ITEM_INDEX_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    judge_index: int
    item_index: int
    verdict: _verdict_pb2.Verdict
    fingerprint: str
    timing: _verdict_pb2.Timing
    def __init__(self, judge_index: _Optional[int] = ..., item_index: _Optional[int] = ..., verdict: _Optional[_Union[_verdict_pb2.Verdict, _Mapping]] = ..., fingerprint: _Optional[str] = ..., timing: _Optional[_Union[_verdict_pb2.Timing, _Mapping]] = ...) -> None: ...

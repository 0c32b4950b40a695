from google.protobuf import duration_pb2 as _duration_pb2
from mmjudge.v1 import media_pb2 as _media_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AbstentionReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ABSTENTION_REASON_UNSPECIFIED: _ClassVar[AbstentionReason]
    ABSTENTION_REASON_UNPARSEABLE: _ClassVar[AbstentionReason]
    ABSTENTION_REASON_REFUSED: _ClassVar[AbstentionReason]
    ABSTENTION_REASON_CUT_SHORT: _ClassVar[AbstentionReason]

class ErrorCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_CODE_UNSPECIFIED: _ClassVar[ErrorCode]
    ERROR_CODE_INVALID_ARGUMENT: _ClassVar[ErrorCode]
    ERROR_CODE_NOT_FOUND: _ClassVar[ErrorCode]
    ERROR_CODE_RESOURCE_EXHAUSTED: _ClassVar[ErrorCode]
    ERROR_CODE_UNAVAILABLE: _ClassVar[ErrorCode]
    ERROR_CODE_DEADLINE_EXCEEDED: _ClassVar[ErrorCode]
    ERROR_CODE_INTERNAL: _ClassVar[ErrorCode]
ABSTENTION_REASON_UNSPECIFIED: AbstentionReason
ABSTENTION_REASON_UNPARSEABLE: AbstentionReason
ABSTENTION_REASON_REFUSED: AbstentionReason
ABSTENTION_REASON_CUT_SHORT: AbstentionReason
ERROR_CODE_UNSPECIFIED: ErrorCode
ERROR_CODE_INVALID_ARGUMENT: ErrorCode
ERROR_CODE_NOT_FOUND: ErrorCode
ERROR_CODE_RESOURCE_EXHAUSTED: ErrorCode
ERROR_CODE_UNAVAILABLE: ErrorCode
ERROR_CODE_DEADLINE_EXCEEDED: ErrorCode
ERROR_CODE_INTERNAL: ErrorCode

class Verdict(_message.Message):
    __slots__ = ("judgement", "abstention", "error", "notes")
    JUDGEMENT_FIELD_NUMBER: _ClassVar[int]
    ABSTENTION_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    judgement: Judgement
    abstention: Abstention
    error: Error
    notes: _containers.RepeatedCompositeFieldContainer[Note]
    def __init__(self, judgement: _Optional[_Union[Judgement, _Mapping]] = ..., abstention: _Optional[_Union[Abstention, _Mapping]] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., notes: _Optional[_Iterable[_Union[Note, _Mapping]]] = ...) -> None: ...

class Judgement(_message.Message):
    __slots__ = ("scores", "ranks", "rationale", "raw_text")
    SCORES_FIELD_NUMBER: _ClassVar[int]
    RANKS_FIELD_NUMBER: _ClassVar[int]
    RATIONALE_FIELD_NUMBER: _ClassVar[int]
    RAW_TEXT_FIELD_NUMBER: _ClassVar[int]
    scores: _containers.RepeatedCompositeFieldContainer[Score]
    ranks: _containers.RepeatedScalarFieldContainer[int]
    rationale: str
    raw_text: str
    def __init__(self, scores: _Optional[_Iterable[_Union[Score, _Mapping]]] = ..., ranks: _Optional[_Iterable[int]] = ..., rationale: _Optional[str] = ..., raw_text: _Optional[str] = ...) -> None: ...

class Score(_message.Message):
    __slots__ = ("value", "by_criterion", "spans", "span_values", "regions", "grid", "rationale", "raw_text")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    BY_CRITERION_FIELD_NUMBER: _ClassVar[int]
    SPANS_FIELD_NUMBER: _ClassVar[int]
    SPAN_VALUES_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    GRID_FIELD_NUMBER: _ClassVar[int]
    RATIONALE_FIELD_NUMBER: _ClassVar[int]
    RAW_TEXT_FIELD_NUMBER: _ClassVar[int]
    value: float
    by_criterion: _containers.RepeatedCompositeFieldContainer[CriterionScore]
    spans: _media_pb2.Tensor
    span_values: _media_pb2.Tensor
    regions: _media_pb2.Tensor
    grid: Grid
    rationale: str
    raw_text: str
    def __init__(self, value: _Optional[float] = ..., by_criterion: _Optional[_Iterable[_Union[CriterionScore, _Mapping]]] = ..., spans: _Optional[_Union[_media_pb2.Tensor, _Mapping]] = ..., span_values: _Optional[_Union[_media_pb2.Tensor, _Mapping]] = ..., regions: _Optional[_Union[_media_pb2.Tensor, _Mapping]] = ..., grid: _Optional[_Union[Grid, _Mapping]] = ..., rationale: _Optional[str] = ..., raw_text: _Optional[str] = ...) -> None: ...

class CriterionScore(_message.Message):
    __slots__ = ("criterion", "value")
    CRITERION_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    criterion: str
    value: float
    def __init__(self, criterion: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...

class Grid(_message.Message):
    __slots__ = ("rows", "columns", "box")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    BOX_FIELD_NUMBER: _ClassVar[int]
    rows: int
    columns: int
    box: Box
    def __init__(self, rows: _Optional[int] = ..., columns: _Optional[int] = ..., box: _Optional[_Union[Box, _Mapping]] = ...) -> None: ...

class Box(_message.Message):
    __slots__ = ("left", "top", "right", "bottom")
    LEFT_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    BOTTOM_FIELD_NUMBER: _ClassVar[int]
    left: float
    top: float
    right: float
    bottom: float
    def __init__(self, left: _Optional[float] = ..., top: _Optional[float] = ..., right: _Optional[float] = ..., bottom: _Optional[float] = ...) -> None: ...

class Abstention(_message.Message):
    __slots__ = ("reason", "message", "raw_text", "field")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RAW_TEXT_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    reason: AbstentionReason
    message: str
    raw_text: str
    field: str
    def __init__(self, reason: _Optional[_Union[AbstentionReason, str]] = ..., message: _Optional[str] = ..., raw_text: _Optional[str] = ..., field: _Optional[str] = ...) -> None: ...

class Error(_message.Message):
    __slots__ = ("code", "reason", "field", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: ErrorCode
    reason: str
    field: str
    message: str
    def __init__(self, code: _Optional[_Union[ErrorCode, str]] = ..., reason: _Optional[str] = ..., field: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class Note(_message.Message):
    __slots__ = ("code", "field", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    field: str
    message: str
    def __init__(self, code: _Optional[str] = ..., field: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class Timing(_message.Message):
    __slots__ = ("queue", "preprocess", "inference")
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    PREPROCESS_FIELD_NUMBER: _ClassVar[int]
    INFERENCE_FIELD_NUMBER: _ClassVar[int]
    queue: _duration_pb2.Duration
    preprocess: _duration_pb2.Duration
    inference: _duration_pb2.Duration
    def __init__(self, queue: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., preprocess: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., inference: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

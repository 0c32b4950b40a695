"""The wire of v1 only grows: what wire_v1.json lists exists, unchanged.

After adding to the contract, add to the list:

    PYTHONPATH=proto python tests/proto/test_proto_files.py
"""

import importlib
import json
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

SNAPSHOT = Path(__file__).with_name("wire_v1.json")
PACKAGE = Path(__file__).resolve().parents[2] / "proto" / "mmjudge" / "v1"

Entries = dict[str, str]


def wire() -> Entries:
    """Every message field, enum value and method by its full name, and its form on the wire."""
    entries: Entries = {}
    for path in sorted(PACKAGE.glob("*.proto")):
        file = FileDescriptorProto()
        stub = importlib.import_module(f"mmjudge.v1.{path.stem}_pb2")
        stub.DESCRIPTOR.CopyToProto(file)
        entries |= described(file)
    return entries


def described(file: FileDescriptorProto) -> Entries:
    entries: Entries = {}
    for enum in file.enum_type:
        entries |= _enum(enum, file.package)
    for message in file.message_type:
        entries |= _message(message, file.package)
    for service in file.service:
        for method in service.method:
            streams = [method.client_streaming * "stream ", method.server_streaming * "stream "]
            entries[f"{file.package}.{service.name}.{method.name}"] = (
                f"rpc ({streams[0]}{method.input_type}) returns ({streams[1]}{method.output_type})"
            )
    return entries


def _enum(enum: EnumDescriptorProto, scope: str) -> Entries:
    return {f"{scope}.{enum.name}.{value.name}": f"= {value.number}" for value in enum.value}


def _message(message: DescriptorProto, scope: str) -> Entries:
    name = f"{scope}.{message.name}"
    entries = {name: "message"}
    for field in message.field:
        entries[f"{name}.{field.name}"] = _field(field, message)
    for enum in message.enum_type:
        entries |= _enum(enum, name)
    for nested in message.nested_type:
        entries |= _message(nested, name)
    return entries


def _field(field: FieldDescriptorProto, message: DescriptorProto) -> str:
    kind = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    words = [field.type_name or kind, f"= {field.number}"]
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        words.insert(0, "repeated")
    if field.proto3_optional:
        words.insert(0, "optional")
    elif field.HasField("oneof_index"):
        words.insert(0, f"oneof {message.oneof_decl[field.oneof_index].name}:")
    return " ".join(words)


def broken(old: Entries, new: Entries) -> list[str]:
    """What `new` lacks or has changed of `old`."""
    return [
        f"{name}: {form!r} became {new.get(name, 'nothing')!r}"
        for name, form in old.items()
        if new.get(name) != form
    ]


def test_nothing_on_the_wire_has_changed_or_gone() -> None:
    assert broken(json.loads(SNAPSHOT.read_text()), wire()) == []


def test_the_list_holds_the_whole_first_contract() -> None:
    listed = json.loads(SNAPSHOT.read_text())
    assert listed["mmjudge.v1.Tensor.shape"] == "repeated int64 = 2"
    assert listed["mmjudge.v1.Image.pixels"] == "oneof source: .mmjudge.v1.Tensor = 2"
    assert listed["mmjudge.v1.Score.value"] == "optional float = 1"
    assert listed["mmjudge.v1.Want.WANT_TOKEN_REWARDS"] == "= 4"
    assert listed["mmjudge.v1.JudgeService.JudgeStream"] == (
        "rpc (.mmjudge.v1.JudgeStreamRequest) returns (stream .mmjudge.v1.JudgeStreamResponse)"
    )


def test_every_kind_of_break_is_seen() -> None:
    before = FileDescriptorProto(package="p")
    message = before.message_type.add(name="M")
    string = FieldDescriptorProto.TYPE_STRING
    message.field.add(name="f", number=1, type=string)
    before.enum_type.add(name="E").value.add(name="A", number=0)
    before.service.add(name="S").method.add(name="Do", input_type=".p.M", output_type=".p.M")

    def after(change: Any) -> list[str]:
        changed = FileDescriptorProto()
        changed.CopyFrom(before)
        change(changed)
        return broken(described(before), described(changed))

    assert after(lambda f: None) == []
    assert after(lambda f: f.message_type[0].field.add(name="g", number=2, type=string)) == []
    assert after(lambda f: f.message_type.add(name="N")) == []
    assert after(lambda f: setattr(f.message_type[0].field[0], "number", 2))
    assert after(lambda f: setattr(f.message_type[0].field[0], "name", "g"))
    assert after(lambda f: setattr(f.message_type[0].field[0], "type", 12))
    assert after(lambda f: setattr(f.message_type[0].field[0], "label", 3))
    assert after(lambda f: setattr(f.message_type[0].field[0], "proto3_optional", True))
    assert after(lambda f: f.message_type[0].ClearField("field"))
    assert after(lambda f: f.ClearField("message_type"))
    assert after(lambda f: setattr(f.enum_type[0].value[0], "number", 1))
    assert after(lambda f: setattr(f.service[0].method[0], "server_streaming", True))
    assert after(lambda f: setattr(f.service[0].method[0], "output_type", ".p.N"))


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(wire(), indent=1, sort_keys=True) + "\n")

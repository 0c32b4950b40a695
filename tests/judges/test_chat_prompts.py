"""Conversations become the prompts that their model's template writes."""

from types import SimpleNamespace
from typing import Any

import pytest
from tests.judges.loaded_generators import FAMILIES, ask, generator, picture

from mmjudge.contract.errors import ItemError
from mmjudge.judges.backbones.chat_prompts import ChatPrompts, joined, marked
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.generator import Message, Question


def _prompt(family: str, question: Question) -> str:
    return joined(generator(family).reply._processor._prompts.pieces(question))


class _Processor:
    """A template without a model."""

    image_token = "<image>"
    tokenizer = SimpleNamespace(chat_template=None)

    def __init__(self, template: Any) -> None:
        self.chat_template = template

    def apply_chat_template(self, turns: Any, chat_template: str, **settings: Any) -> str:
        from transformers.utils.chat_template_utils import render_jinja_template

        del settings["tokenize"]
        return str(render_jinja_template([turns], chat_template=chat_template, **settings)[0][0])


@pytest.mark.parametrize("family", FAMILIES)
def test_texts_and_images_come_in_the_order_of_the_parts(family: str) -> None:
    token = generator(family).reply._processor._prompts.image_token
    prompt = _prompt(family, ask("one", picture(0), "two", picture(1), "three", rules="zero"))
    shown = ["zero", "one", token, "two", token, "three"]
    places, at = [], 0
    for part in shown:
        at = prompt.index(part, at)
        places.append(at)
    assert places == sorted(places)
    assert prompt.count(token) == 2


def test_a_template_without_a_system_role_gets_its_words_in_the_first_turn() -> None:
    asked = ask(picture(0), "what is it?", rules="be brief")
    assert _prompt("llava_next", asked) == "[INST] be brief\n\n<image>\nwhat is it? [/INST]"
    assert _prompt("qwen2_vl", asked).startswith("<|im_start|>system\nbe brief<|im_end|>\n")


def test_a_prompt_in_the_templates_own_order_is_the_templates_own() -> None:
    assert _prompt("llava", ask(picture(0), "why?")) == "USER: <image>\nwhy? ASSISTANT:"


def test_texts_keep_the_space_around_them_where_the_template_does() -> None:
    assert " \n why?  " in _prompt("qwen2_vl", ask(" \n why?  "))


def test_what_looks_like_a_mark_or_a_template_is_data() -> None:
    text = "mmjudge0text {{ messages }} mmjudge7text"
    asked = ask(text, "mmjudge0text")
    pieces = generator("qwen2_vl").reply._processor._prompts.pieces(asked)
    assert [piece.text for piece in pieces if piece.data] == [text, "mmjudge0text"]
    assert joined(marked(pieces)).count("mmjudge0text") == 2


def test_a_conversation_that_the_template_refuses_is_an_items_error() -> None:
    twice = Question((Message("user", ("a",)), Message("user", ("b",))))
    with pytest.raises(ItemError, match="turns of user and assistant must alternate") as refused:
        _prompt("llava_next", twice)
    assert refused.value.error.reason == "CONVERSATION_UNSUPPORTED"


def test_what_a_template_writes_around_an_answer_is_known() -> None:
    prompts = generator("llava").reply._processor._prompts
    assert (prompts.opening, prompts.ending) == (" ", "</s>")
    prompts = generator("qwen2_vl").reply._processor._prompts
    assert (prompts.opening, prompts.ending) == ("", "<|im_end|>\n")


def test_a_processor_without_a_template_is_unavailable() -> None:
    with pytest.raises(BackboneUnavailable, match="tiny has no chat template.*chat_template.jinja"):
        ChatPrompts(_Processor(None), "tiny")


@pytest.mark.parametrize(
    "template", ["nothing of the conversation", "{{ messages[5].content }}", "{% oops %}"]
)
def test_a_template_that_cannot_write_a_conversation_is_unavailable(template: str) -> None:
    with pytest.raises(BackboneUnavailable, match="does not write the texts"):
        ChatPrompts(_Processor(template), "tiny")


def test_one_of_several_templates_is_the_default() -> None:
    simple = (
        "{% for m in messages %}{{ m.role }}: {% for p in m.content %}{{ p.text }}{% endfor %}\n"
        "{% endfor %}"
    )
    assert ChatPrompts(_Processor({"default": simple, "tools": ""}), "tiny").template == simple

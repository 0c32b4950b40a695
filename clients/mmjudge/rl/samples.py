"""A sample: a prompt and one response to it, ready to be judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmjudge.contract import Image, Part
from mmjudge.rl.images import Layout, to_images
from mmjudge.rl.texts import completion_parts, prompt_parts


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A prompt, one response, and references where the judge wants them."""

    prompt: tuple[Part, ...]
    response: tuple[Part, ...]
    references: tuple[tuple[Part, ...], ...] = ()


def text_samples(
    prompts: Sequence[Any] | None,
    completions: Sequence[Any],
    images: Sequence[Any] | None = None,
    references: Sequence[Any] | None = None,
) -> list[Sample]:
    """Return samples of a policy that writes: the prompt is images, then its text.

    prompts: a str or chat messages each, as `prompt_parts`; None, all or one, for no text.
    completions: a str or chat messages each, as `completion_parts`; the empty text goes to the
        judge like any other.
    images: for each sample an image, a list of images or None; as `to_images` takes them. A
        sample without any here has the images that its chat messages hold.
    references: for each sample a str, a list of str, or None.

    Raises ValueError for unequal lengths, and what is wrong with an element by its name.
    """
    count = len(completions)
    prompts, images, references = (
        _column(column, count, name)
        for column, name in ((prompts, "prompts"), (images, "images"), (references, "references"))
    )
    converted: dict[int, tuple[Image, ...]] = {}  # repeated rows often hold the same object
    samples = []
    for i, (prompt, completion, image, reference) in enumerate(
        zip(prompts, completions, images, references, strict=True)
    ):
        inside, text = prompt_parts(prompt, f"prompts[{i}]")
        if id(image) not in converted:
            outside = () if image is None else tuple(to_images(image, f"images[{i}]"))
            converted[id(image)] = outside
        seen = converted[id(image)] or inside
        samples.append(
            Sample(
                (*seen, text) if text else seen,
                completion_parts(completion, f"completions[{i}]"),
                _references(reference, f"references[{i}]"),
            )
        )
    return samples


def image_samples(
    images: Any,
    prompts: Sequence[Any],
    sources: Sequence[Any] | None = None,
    *,
    layout: Layout | None = None,
) -> list[Sample]:
    """Return samples of an image generator: the response is one image.

    images: as `to_images` takes them, one a prompt: a list, or an array of four dimensions.
    prompts: a str or chat messages each.
    sources: for editing, the image or images that each prompt starts from, or None.
    layout: where arrays in `images` and `sources` have their channels, as `to_images`.

    Raises ValueError for unequal lengths, and what is wrong with an element by its name.
    """
    made = to_images(images, "images", layout)
    count = len(made)
    samples = []
    for i, (image, prompt, source) in enumerate(
        zip(
            made,
            _column(prompts, count, "prompts", "images"),
            _column(sources, count, "sources", "images"),
            strict=True,
        )
    ):
        inside, text = prompt_parts(prompt, f"prompts[{i}]")
        outside = () if source is None else tuple(to_images(source, f"sources[{i}]", layout))
        samples.append(Sample((*(outside or inside), text), (image,)))
    return samples


def _column(
    values: Sequence[Any] | None, count: int, name: str, of: str = "completions"
) -> Sequence[Any]:
    if values is None:
        return [None] * count
    if len(values) != count:
        raise ValueError(
            f"{len(values)} {name} and {count} {of}, expected one of each: repeat a prompt's for "
            "each of its responses"
        )
    return values


def _references(value: Any, where: str) -> tuple[tuple[Part, ...], ...]:
    if value is None:
        return ()
    texts = [value] if isinstance(value, str) else list(value)
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"{where} holds a {type(text).__name__}, expected texts")
    return tuple((text,) for text in texts)

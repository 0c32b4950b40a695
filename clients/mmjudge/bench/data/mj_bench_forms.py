"""The schemas that MJ-Bench is published in, told apart by their columns."""

from collections.abc import Collection, Mapping
from typing import Literal

Form = Literal["v2", "v1", "blur", "two images", "bias"]

COLUMNS: Mapping[Form, tuple[str, ...]] = {
    "v2": ("caption", "image0", "image1", "label", "category"),
    "v1": ("caption", "image0", "image1", "label"),
    "blur": ("caption", "sharp_image", "motion_blur_image", "defocused_blur_image", "label_0"),
    "two images": ("caption", "image_0", "image_1", "label_0"),
    "bias": ("prompt", "images_dir", "demographic"),
}
"""What a row must have to be of a form; it may have more. Those of v2 are looked for first."""

PICTURES: Mapping[Form, tuple[str, ...]] = {
    "v2": ("image0", "image1"),
    "v1": ("image0", "image1"),
    "blur": ("sharp_image", "motion_blur_image", "defocused_blur_image"),
    "two images": ("image_0", "image_1"),
    "bias": ("images_dir",),
}
"""Which of the columns hold images, or say where they are."""


def form_of(columns: Collection[str]) -> Form | None:
    """The form of rows with these columns; None if it is none of ours."""
    for form, needed in COLUMNS.items():
        if set(needed) <= set(columns):
            return form
    return None


def unknown_columns(columns: Collection[str]) -> str:
    """What to say of rows of no known form: the columns seen, and those of every form."""
    expected = "; or ".join(", ".join(needed) for needed in COLUMNS.values())
    return f"columns {', '.join(columns) or 'none'}; expected {expected}"

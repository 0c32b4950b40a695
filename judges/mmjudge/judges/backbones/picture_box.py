"""Which rectangle of a picture a tower's patches cover."""

from mmjudge.judges.backbones.features import Box


def picture_box(
    resized: tuple[float, float],
    shown: tuple[float, float],
    covered: tuple[float, float] | None = None,
) -> Box:
    """Of a picture scaled to `resized`, whose middle is `shown`, the part that is `covered`.

    All are width and height in pixels. `shown` is cut out of the middle, or padded around it where
    it is larger. `covered` begins at the top left of `shown`; None: all of it.
    """
    width, height = resized
    left, top = (width - shown[0]) / 2, (height - shown[1]) / 2
    right, bottom = (left + (covered or shown)[0], top + (covered or shown)[1])
    return (left / width, top / height, right / width, bottom / height)

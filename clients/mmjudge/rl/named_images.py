"""A sample's image where the trainer passes none: named in a column that it does pass."""

import json
from collections.abc import Mapping
from typing import Any


def named_image(value: Any, key: str, where: str) -> Any:
    """Return the image that `value` holds or names, as `to_images` takes it.

    value: a mapping, or a JSON object as a str: what it has under `key`. Any other str is the
        image's path itself.
    Raises ValueError or TypeError naming `where` for anything else, an empty path among it.
    """
    found = value
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            found = json.loads(value)
        except ValueError as error:
            raise ValueError(f"{where} begins like JSON and is not: {error}") from error
    if isinstance(found, Mapping):
        if found.get(key) is None:
            raise ValueError(
                f"{where} has {sorted(map(str, found))}, expected {key!r} with the image: an "
                "image, its bytes, or a path that this process can read"
            )
        return found[key]
    if not isinstance(found, str) or not found.strip():
        raise TypeError(
            f"{where} is {value!r:.60}, expected an image's path, or an object with it under "
            f"{key!r}"
        )
    return found

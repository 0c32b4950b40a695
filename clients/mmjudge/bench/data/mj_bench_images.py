"""Where the images of MJ-Bench's JSON files are: beside them, in folders of several names."""

import os
from collections.abc import Mapping
from pathlib import Path

from mmjudge.bench.records import PictureFile

# The repository's folders by the column that names an image. Both images of a pair may have one
# name, so these are looked in first.
_FOLDERS: Mapping[str, tuple[str, ...]] = {
    "image_0": ("original", "safe_images"),
    "image_1": ("inpainting", "unsafety_images"),
    "sharp_image": ("sharp",),
    "motion_blur_image": ("motion_blurred",),
    "defocused_blur_image": ("defocused_blurred",),
}

_ABOVE = 2
"""How far above what was named images are looked for: alignment's are beside its folders, and
paths of bias begin one above the file's own."""


class ImageFolders:
    """Finds the images that a JSON file names.

    In the repository's folders for the column; beside the file, and in `images` there; in one of
    the folders beside it; then above it, and in `images` there, up to two folders above `root`.
    Names are told relative to `root`, the folder that people named.
    """

    def __init__(self, root: Path, file: Path) -> None:
        self._root = root
        self._folder = file.parent
        inside = len(file.parent.relative_to(root).parts)
        self._above = list(file.parent.parents)[: inside + _ABOVE]
        self._beside = sorted(path for path in file.parent.iterdir() if path.is_dir())

    def find(self, column: str, name: str) -> PictureFile:
        """The image, or where it was expected.

        Raises ValueError where folders beside the file have different images of the name.
        """
        here = self._folder
        own = [here / folder for folder in _FOLDERS.get(column, ())]
        for folder in [*own, here, here / "images"]:
            if (folder / name).is_file():
                return self._picture(folder / name)
        found = [folder for folder in self._beside if (folder / name).is_file()]
        if len(found) > 1:
            folders = " and in ".join(folder.name for folder in found)
            raise ValueError(f"{column}: {name!r} is in {folders} beside the file, expected in one")
        above = (path for folder in self._above for path in (folder, folder / "images"))
        for folder in [*found, *above]:
            if (folder / name).is_file():
                return self._picture(folder / name)
        expected = [*own, here / "images", *(folder / "images" for folder in self._above)]
        there = (one for one in expected if one.is_dir() and one.is_relative_to(self._root))
        return self._picture(next(there, here) / name)

    def _picture(self, path: Path) -> PictureFile:
        return PictureFile(self._root, Path(os.path.relpath(path, self._root)).as_posix())

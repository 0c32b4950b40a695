"""An image file named on the command line."""

from pathlib import Path

from mmjudge.contract import EncodedImage, ItemError
from mmjudge.contract.image_files import open_image


def read_image(path: Path) -> EncodedImage:
    """Read the file; raises OSError, or ValueError with its name for what judges would refuse."""
    image = EncodedImage(path.read_bytes())
    try:
        open_image(image)  # as the judges will: here the mistake has a file's name
    except ItemError as error:
        raise ValueError(f"{path}: {error}") from error
    return image

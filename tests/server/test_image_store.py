"""Images that items name instead of carrying: by digest, and by location under the roots."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from mmjudge.contract.errors import ErrorCode, ItemError
from mmjudge.contract.images import EncodedImage, ImageDigest, ImageUri, PixelImage
from mmjudge.contract.items import Candidate, Item
from mmjudge.server.image_store import ImageStore

FILE = EncodedImage(b"bytes of a file")


def named(data: bytes) -> ImageDigest:
    return ImageDigest(sha256(data).digest())


def refusal(store: ImageStore, item: Item) -> tuple[ErrorCode, str, str]:
    with pytest.raises(ItemError) as raised:
        store.resolve(item)
    error = raised.value.error
    return error.code, error.reason, error.field


def test_a_digest_names_a_file_that_was_held_wherever_it_stands() -> None:
    store = ImageStore(1000, [])
    store.hold(Item(references=[["text", FILE]]))
    digest = named(FILE.data)
    resolved = store.resolve(
        Item(
            prompt=["text", digest],
            candidates=[Candidate([digest]), Candidate(["a", digest])],
            references=[[digest], ["b"]],
            attributes={"category": "SA"},
            id="7",
        )
    )
    assert resolved.prompt == ["text", FILE]
    assert [c.parts for c in resolved.candidates] == [[FILE], ["a", FILE]]
    assert resolved.references == [[FILE], ["b"]]
    assert (resolved.attributes, resolved.id) == ({"category": "SA"}, "7")


def test_resolving_keeps_spans_and_log_probs() -> None:
    store = ImageStore(1000, [])
    store.hold(Item(prompt=[FILE]))
    spans, log_probs = np.zeros((1, 2), np.int32), np.zeros(1, np.float32)
    item = Item(prompt=[named(FILE.data)], candidates=[Candidate(["a"], spans, log_probs)])
    (candidate,) = store.resolve(item).candidates
    assert candidate.spans is spans and candidate.log_probs is log_probs


def test_an_item_that_names_nothing_is_returned_as_it_is() -> None:
    item = Item(prompt=["text", FILE, PixelImage(np.zeros((1, 1, 3), np.uint8))])
    assert ImageStore(0, []).resolve(item) is item


def test_a_digest_of_nothing_held_is_told_with_its_path() -> None:
    item = Item(prompt=["a"], candidates=[Candidate(["b", named(b"never sent")])])
    assert refusal(ImageStore(1000, []), item) == (
        ErrorCode.NOT_FOUND,
        "IMAGE_NOT_HELD",
        "candidates[0].parts[1].image.sha256",
    )


def test_the_digest_in_the_message_is_what_the_caller_can_compare() -> None:
    with pytest.raises(ItemError, match=sha256(b"never sent").hexdigest()):
        ImageStore(1000, []).resolve(Item(prompt=[named(b"never sent")]))


def test_the_file_not_named_for_longest_goes_first() -> None:
    store = ImageStore(30, [])
    files = [EncodedImage(bytes([i]) * 10) for i in range(4)]
    for file in files[:3]:
        store.hold(Item(prompt=[file]))
    store.resolve(Item(prompt=[named(files[0].data)]))
    store.hold(Item(prompt=[files[3]]))
    assert refusal(store, Item(prompt=[named(files[1].data)]))[1] == "IMAGE_NOT_HELD"
    kept = [named(files[i].data) for i in (0, 2, 3)]
    assert store.resolve(Item(prompt=kept)).prompt == [files[0], files[2], files[3]]


def test_pixels_are_not_held() -> None:
    pixels = PixelImage(np.zeros((1, 1, 3), np.uint8))
    store = ImageStore(1000, [])
    store.hold(Item(prompt=[pixels]))
    assert refusal(store, Item(prompt=[ImageDigest(pixels.digest)]))[1] == "IMAGE_NOT_HELD"


@pytest.fixture
def hectic() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hectic")
def test_requests_on_several_threads_do_not_harm_it() -> None:
    store = ImageStore(50, [])
    files = [EncodedImage(bytes([i]) * 10) for i in range(10)]

    def request(seed: int) -> None:
        for i in np.random.default_rng(seed).integers(0, 10, 1500).tolist():
            store.hold(Item(prompt=[files[i]]))
            try:
                found = store.resolve(Item(prompt=[named(files[i].data)])).prompt[0]
            except ItemError as error:  # another thread's files may have taken its place
                assert error.error.reason == "IMAGE_NOT_HELD"
            else:
                assert found is files[i]

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(request, range(4)))
    for file in files:
        store.hold(Item(prompt=[file]))
    kept = [named(file.data) for file in files[5:]]
    assert store.resolve(Item(prompt=kept)).prompt == files[5:]
    assert refusal(store, Item(prompt=[named(files[4].data)]))[1] == "IMAGE_NOT_HELD"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with a file in it, and a file beside it."""
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "a b.png").write_bytes(b"inside")
    (tmp_path / "outside.png").write_bytes(b"outside")
    (tmp_path / "root-sibling").mkdir()
    (tmp_path / "root-sibling" / "c.png").write_bytes(b"sibling")
    (root / "in.png").symlink_to(root / "sub" / "a b.png")
    (root / "out.png").symlink_to(tmp_path / "outside.png")
    (root / "up").symlink_to(tmp_path)
    (root / "loop").symlink_to(root / "loop")
    return root


@pytest.mark.parametrize(
    "path",
    ["sub/a%20b.png", "sub/a b.png", "sub/../sub/a%20b.png", "in.png", "sub/a%20b.png?query#part"],
)
def test_files_under_a_root_are_read(root: Path, path: str) -> None:
    item = Item(prompt=[ImageUri(f"file://{root}/{path}")])
    assert ImageStore(0, [str(root)]).resolve(item).prompt == [EncodedImage(b"inside")]


def test_no_uri_is_read_without_roots(root: Path) -> None:
    item = Item(prompt=["text", ImageUri(f"file://{root}/in.png")])
    assert refusal(ImageStore(0, []), item) == (
        ErrorCode.INVALID_ARGUMENT,
        "URI_REFUSED",
        "prompt[1].image.uri",
    )


@pytest.mark.parametrize(
    "uri",
    [
        "file://ROOT/../outside.png",
        "file://ROOT/%2e%2e/outside.png",
        "file://ROOT/sub/../../outside.png",
        "file://ROOT/out.png",
        "file://ROOT/up/outside.png",
        "file://ROOT-sibling/c.png",
        "file:///etc/passwd",
        "file://localhostROOT/in.png",
        "file://elsewhereROOT/in.png",
        "http://ROOT/in.png",
        "http://example.com/in.png",
        "data:image/png;base64,AAAA",
        "ROOT/in.png",
        "in.png",
        "file:",
        "",
        "file://ROOT/in.png%00",
        "file://ROOT/\x00",
        "file://[ROOT/in.png",
        "http://[::1",
    ],
)
def test_what_is_not_under_a_root_is_refused(root: Path, uri: str) -> None:
    item = Item(prompt=[ImageUri(uri.replace("ROOT", str(root)))])
    assert refusal(ImageStore(0, [str(root)]), item)[:2] == (
        ErrorCode.INVALID_ARGUMENT,
        "URI_REFUSED",
    )


@pytest.mark.parametrize("path", ["missing.png", "sub", "sub/a%20b.png/deeper", "x" * 5000])
def test_a_file_that_cannot_be_read_is_told_apart(root: Path, path: str) -> None:
    item = Item(prompt=[ImageUri(f"file://{root}/{path}")])
    assert refusal(ImageStore(0, [str(root)]), item)[:2] == (ErrorCode.NOT_FOUND, "URI_UNREADABLE")


def test_links_in_a_circle_are_the_item_s_failure_alone(root: Path) -> None:
    item = Item(prompt=[ImageUri(f"file://{root}/loop")])
    # Which of the two depends on the version of pathlib.
    assert refusal(ImageStore(0, [str(root)]), item)[1] in ("URI_REFUSED", "URI_UNREADABLE")


def test_a_root_may_be_a_symlink_itself(root: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(root)
    item = Item(prompt=[ImageUri(f"file://{tmp_path}/alias/in.png")])
    store = ImageStore(0, [str(tmp_path / "alias")])
    assert store.resolve(item).prompt == [EncodedImage(b"inside")]


def test_images_are_hashed_where_they_are_resolved() -> None:
    image = PixelImage(np.zeros((4, 4, 3), np.uint8))
    resolved = ImageStore(1000, []).resolve(Item(prompt=[image]))
    assert "digest" in vars(resolved.prompt[0])

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.conftest import CHELSEA, ROOT, Result, Run

from mmjudge.cli.explain_picture import INNER, PHOTO_HEIGHT, WIDTH
from mmjudge.cli.reward_colours import BELOW, colour_of
from mmjudge.cli.server_process import own_server
from mmjudge.cli.terminal import ExitStatus

KIND = "tests.cli.fake_words:FakeWordJudge"
CONFIG = f"""
[judges.words]
kind = "{KIND}"
[judges.plain]
kind = "tests.cli.fakes:FakeJudge"
"""
TEXT = "a furry cat, unlike unfriendly dogs"
EVIL = "<script>alert(1)</script> \"quoted\" & 'more' &amp; <img src=http://example.org/x>"


class Page(HTMLParser):
    """What a browser makes of a page: its elements, and the text outside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of a judge of words, and one that is none."""
    config = tmp_path_factory.mktemp("words") / "words.toml"
    config.write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)  # where a process finds the fakes
        with own_server(str(config)) as address:
            yield address


@pytest.fixture
def explained(run: Run, words: str, tmp_path: Path) -> Run:
    def explained(*arguments: str | Path) -> Result:
        files = ("--output", tmp_path / "a.png", "--html", tmp_path / "a.html")
        return run("explain", "--address", words, *files, *arguments)

    return explained


def test_words_are_printed_with_their_rewards(explained: Run, tmp_path: Path) -> None:
    result = explained(CHELSEA, TEXT)
    assert (result.status, result.err) == (0, "")
    assert "words (fingerprint" in result.out.replace("fingerprint ", "fingerprint")
    assert TEXT in result.out and "note: read [u]all[/]" in result.out
    rows = re.findall(r"│ +(-?\d\.\d+) │ (\S+) +│", result.out)
    assert rows == [
        ("0.6250", "furry"),
        ("0.5000", "cat,"),
        ("0.5000", "dogs"),
        ("-0.2500", "unfriendly"),
        ("-0.7500", "unlike"),
    ]
    assert f"Picture: {tmp_path / 'a.png'}" in result.out


def test_json_has_the_words_and_their_patches(explained: Run, tmp_path: Path) -> None:
    result = explained("--json", CHELSEA, TEXT)
    (line,) = result.out.splitlines()
    told = json.loads(line)
    assert told["judge"] == "words" and told["notes"] == ["read [u]all[/]"]
    assert [word["word"] for word in told["words"]] == TEXT.split()[1:]
    assert told["words"][0] == {"word": "furry", "reward": 0.625, "patch": [0.0, 0.0, 0.25, 0.5]}
    assert told["value"] == pytest.approx(0.625)
    assert (told["picture"], told["page"]) == (str(tmp_path / "a.png"), str(tmp_path / "a.html"))


def test_the_picture_has_the_photograph_and_the_coloured_text(
    explained: Run, tmp_path: Path
) -> None:
    explained(CHELSEA, TEXT)
    with Image.open(CHELSEA) as photo, Image.open(tmp_path / "a.png") as picture:
        assert picture.format == "PNG" and picture.width == WIDTH
        scale = min(INNER / photo.width, PHOTO_HEIGHT / photo.height)
        assert picture.height > photo.height * scale
        colours = {tuple(colour) for colour in np.asarray(picture).reshape(-1, 3)}
    assert BELOW in colours  # the strongest reward is below 0
    assert colour_of(0.625, 0.75) in colours


def test_longer_texts_make_higher_pictures(explained: Run, tmp_path: Path) -> None:
    heights = []
    for text in (TEXT, " ".join([TEXT] * 10), "several\nlines\nof words"):
        explained(CHELSEA, text)
        with Image.open(tmp_path / "a.png") as picture:
            heights.append(picture.height)
    assert heights[0] < heights[2] < heights[1]


@pytest.mark.parametrize("size", [(3000, 40), (40, 3000), (2, 2)])
def test_images_of_every_shape(explained: Run, tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "odd.png"
    Image.new("RGB", size, "red").save(path)
    assert explained(path, TEXT).status == 0
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width == WIDTH


def test_a_turned_photograph_is_shown_upright(explained: Run, tmp_path: Path) -> None:
    turned, upright = tmp_path / "turned.jpg", tmp_path / "upright.jpg"
    photo = Image.new("RGB", (60, 30), "red")
    exif = Image.Exif()
    exif[0x0112] = 6
    photo.save(turned, exif=exif)
    photo.transpose(Image.Transpose.ROTATE_270).save(upright)
    heights = []
    for path in (turned, upright):
        explained(path, TEXT)
        with Image.open(tmp_path / "a.png") as picture:
            heights.append(picture.height)
    assert heights[0] == heights[1]


def test_the_page_needs_nothing_but_itself(explained: Run, tmp_path: Path) -> None:
    explained(CHELSEA, TEXT)
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not page.all("link") and not page.all("iframe") and not re.findall(r"url\(", text)
    for _, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "data"):
            assert (attributes.get(name) or "data:").startswith("data:")
    assert "http:" not in text and "https:" not in text
    (policy,) = [m["content"] for m in page.all("meta") if m.get("http-equiv")]
    assert policy and policy.startswith("default-src 'none'") and "http" not in policy


def test_words_on_the_page_can_be_tabbed_to(explained: Run, tmp_path: Path) -> None:
    explained(CHELSEA, TEXT)
    page = Page((tmp_path / "a.html").read_text(encoding="utf-8"))
    buttons = page.all("button")
    assert [button["aria-label"] for button in buttons] == [
        "furry: 0.625",
        "cat,: 0.500",
        "unlike: -0.750",
        "unfriendly: -0.250, no patch",
        "dogs: 0.500",
    ]
    assert buttons[0]["data-patch"] == "0.00 0.00 25.00 50.00"
    assert ["below" in (button["class"] or "") for button in buttons] == [0, 0, 1, 1, 0]
    assert buttons[2]["style"] == "--share: 100%"
    assert TEXT in page.text
    (output,) = page.all("output")
    assert output["aria-live"] == "polite"


def test_the_page_is_in_light_and_dark(explained: Run, tmp_path: Path) -> None:
    explained(CHELSEA, TEXT)
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert '<meta name="color-scheme" content="light dark">' in text
    assert "@media (prefers-color-scheme: dark)" in text


def test_text_stays_text_whatever_is_in_it(explained: Run, tmp_path: Path) -> None:
    explained(CHELSEA, TEXT)
    expected = len(Page((tmp_path / "a.html").read_text(encoding="utf-8")).all("script"))
    assert explained(CHELSEA, EVIL).status == 0
    page = Page((tmp_path / "a.html").read_text(encoding="utf-8"))
    assert EVIL in page.text
    assert len(page.all("script")) == expected == 1 and len(page.all("img")) == 1


def test_names_of_files_stay_text(explained: Run, tmp_path: Path) -> None:
    path = tmp_path / "<b>$title[i].png"
    path.write_bytes(CHELSEA.read_bytes())
    assert explained(path, TEXT).status == 0
    page = Page((tmp_path / "a.html").read_text(encoding="utf-8"))
    assert not page.all("b") and path.name in page.text


def test_the_only_judge_of_words_is_asked_and_others_say_why_not(explained: Run) -> None:
    assert "words (fing" in explained(CHELSEA, TEXT).out
    result = explained("--judge", "plain", CHELSEA, TEXT)
    assert result.status == ExitStatus.MISTAKE and "'plain'" in result.error


def test_a_text_that_the_judge_refuses_writes_nothing(explained: Run, tmp_path: Path) -> None:
    result = explained(CHELSEA, " ")
    assert result.status == ExitStatus.NOT_JUDGED and "TEXT_EMPTY" in result.error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "name", "told"),
    [
        ("--output", "nowhere/a.png", "there is no folder"),
        ("--html", "nowhere/a.html", "there is no folder"),
        ("--output", "a.jpg", "expected the name of a PNG, such as a.png"),
    ],
)
def test_outputs_are_checked_before_anything_is_asked(
    run: Run, tmp_path: Path, option: str, name: str, told: str
) -> None:
    result = run("explain", "--address", "127.0.0.1:1", option, tmp_path / name, CHELSEA, TEXT)
    assert result.status == ExitStatus.MISTAKE
    assert option in result.error and told in result.error


def test_local_asks_no_address(run: Run) -> None:
    result = run("explain", CHELSEA, "x", "--local", "--address", "127.0.0.1:1")
    assert result.status == ExitStatus.MISTAKE and "leave out --address" in result.error


def test_photo_lite_sees_a_cat_in_this_process(run: Run, tmp_path: Path) -> None:
    files = ("--output", tmp_path / "a.png", "--html", tmp_path / "a.html")
    result = run("explain", "--local", "--json", *files, CHELSEA, "A cat beside a lighthouse.")
    assert (result.status, result.err) == (0, "")
    rewards = {word["word"]: word["reward"] for word in json.loads(result.out)["words"]}
    assert rewards["cat"] > rewards["lighthouse"]

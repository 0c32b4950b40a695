"""The page as a browser shows it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not Path(CHROMIUM).exists():
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def file(page: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(browser: Any, file: str) -> Iterator[Any]:
    """The page in a window; fails if it complained or asked for anything but itself."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    window = context.new_page()
    complaints, requests = list[str](), list[str]()
    window.on("console", lambda message: complaints.append(message.text))
    window.on("pageerror", lambda error: complaints.append(str(error)))
    window.on("dialog", lambda dialog: complaints.append(dialog.message))
    window.on("request", lambda request: requests.append(request.url))
    window.goto(file)
    yield window
    context.close()
    assert complaints == []
    assert {url.split("#")[0] for url in requests if not url.startswith("data:")} == {file}


def shown(window: Any) -> int:
    count: int = window.locator(".card:visible").count()
    told = window.locator("#count").text_content().split(" ")
    assert int(told[0]) == count
    assert int(told[2]) == window.locator(".card").count()
    return count


def test_a_filter_leaves_the_failures_that_it_names(opened: Any) -> None:
    every = shown(opened)
    opened.select_option("[name=judge]", "qwen-{perspective}")
    of_judge = shown(opened)
    assert of_judge == opened.locator('.card[data-judge="qwen-{perspective}"]').count() == 12
    opened.select_option("[name=outcome]", "inconsistent")
    inconsistent = shown(opened)
    assert 0 < inconsistent < of_judge < every
    opened.click("button[type=reset]")
    opened.wait_for_function("!document.querySelector('.card[hidden]')")
    assert shown(opened) == every


def test_a_text_is_searched_for_in_captions_and_rationales(opened: Any) -> None:
    opened.fill("[name=text]", "ZEBRA")
    assert shown(opened) == opened.locator('.card[data-perspective="preference"]').count() == 5
    opened.fill("[name=text]", "no such words")
    assert shown(opened) == 0


def test_the_choice_stands_in_the_address_and_comes_back(opened: Any, file: str) -> None:
    opened.select_option("[name=outcome]", "failed")
    failed, address = shown(opened), opened.url
    assert address.startswith(f"{file}#show&")
    opened.reload()
    assert opened.url == address
    assert shown(opened) == failed


def test_an_image_of_safety_is_blurred_until_its_button_is_pressed(opened: Any) -> None:
    frame = opened.locator(".frame.veiled").first
    handle = frame.element_handle()
    image, button = handle.query_selector("img"), handle.query_selector("button")
    blur = "image => getComputedStyle(image).filter"
    assert "blur" in image.evaluate(blur)
    button.focus()
    opened.keyboard.press("Enter")
    assert image.evaluate(blur) == "none"
    assert button.get_attribute("aria-expanded") == "true"
    opened.keyboard.press("Enter")
    assert "blur" in image.evaluate(blur)


def test_every_image_is_drawn_and_has_a_text_in_its_place(opened: Any) -> None:
    opened.wait_for_function("[...document.images].every(image => image.complete)")
    images = opened.evaluate("[...document.images].map(image => [image.naturalWidth, image.alt])")
    assert images
    assert all(width > 0 and alt for width, alt in images)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_window_shows_the_page_without_scrolling_sideways(
    browser: Any, file: str, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    window = context.new_page()
    window.goto(file)
    assert window.evaluate("document.documentElement.scrollWidth") == 390
    paper = window.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(23, 24, 28)") == (scheme == "dark")
    context.close()

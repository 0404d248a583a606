"""The questions before and after on a chapter's page: by hand and by keyboard, from the disk and from a server."""

from __future__ import annotations

import json

import pytest
from fewchannels.notebook.class_answers import read_answers
from fewchannels.notebook.questions import read_questions

from .conftest import NARROW, OVERFLOW, WIDE, axe_violations

PAGE = "notebooks/00_start_here.html"
MINE = [question for question in read_questions().values() if question.chapter == 0]
CHECK = "Show what is right"


@pytest.fixture(params=["http", "file"])
def where(request, site, address) -> str:
    """The page's address, from a server and from the disk."""
    return f"{address}/{PAGE}" if request.param == "http" else (site / PAGE).as_uri()


@pytest.fixture
def chapter(open_page, where):
    """The page with nothing kept, and what it asked of a network since it was loaded."""
    page, watch = open_page(where)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("localStorage.clear()")
    page.reload()
    page.wait_for_selector("[data-fc-place=before] fieldset")
    asked.clear()
    yield page, asked
    assert watch.errors == []
    assert watch.foreign == []
    page.close()


def wrong(question) -> str:
    return next(name for name in question.options if name != question.right)


def choose(page, when, chosen) -> None:
    for question, option in zip(MINE, chosen, strict=True):
        page.check(f'[name="fc-{when}-{question.id}"][value="{option}"]')


def set_well(text: str) -> str:
    return text.replace("'", "’")


def told(page) -> str:
    """Words on the page, outside its data, that say what is right."""
    return page.locator("[data-fc-place=before], [data-fc-place=after]").evaluate_all(
        "places => places.map(place => place.innerText).join(' ')"
    )


def test_nothing_is_told_before_the_end_and_then_both_are_with_why(chapter):
    page, _ = chapter
    choose(page, "before", [wrong(question) for question in MINE])
    choose(page, "after", [question.right for question in MINE])
    whys = [set_well(option.why) for question in MINE for option in question.options.values()]
    assert not [why for why in whys if why in told(page)]
    assert page.locator(".fc-is-right").count() == 0

    page.get_by_role("button", name=CHECK).click()
    assert not [why for why in whys if why not in told(page)]
    assert page.locator(".fc-summary").inner_text() == "Right before: 0 of 3. Right after: 3 of 3."
    assert page.evaluate("document.activeElement.className") == "fc-summary"
    for question in MINE:
        result = page.locator(f'[data-fc-result="{question.id}"]')
        [right] = result.locator("li.fc-is-right").all()
        assert [badge.inner_text() for badge in right.locator(".fc-badge").all()] == ["right", "you, after"]
        assert right.locator(".fc-says").inner_text().startswith(set_well(question.options[question.right].says))
        assert result.locator(".fc-badge", has_text="you, before").count() == 1
    assert page.locator("[data-fc-place=before] input:enabled").count() == 0, "answers of before are locked"


def test_an_open_question_is_asked_for(chapter):
    page, _ = chapter
    page.check(f'[name="fc-after-{MINE[0].id}"] >> nth=0')
    page.get_by_role("button", name=CHECK).click()
    assert page.get_by_text("2 questions have no answer yet.").is_visible()
    assert page.evaluate("document.activeElement.name") == f"fc-after-{MINE[1].id}"
    assert page.locator(".fc-result").count() == 0


def test_answers_and_guess_outlive_the_page_and_the_guess_comes_back(chapter):
    page, _ = chapter
    told_back = page.locator("[data-fc-place=guessed]")
    assert told_back.inner_text() == "You wrote no guess down. To the question"
    choose(page, "before", [question.right for question in MINE])
    page.get_by_label("Your guess, in a few words").fill("  <b>smears</b> & colours ")
    assert told_back.inner_text().strip("\n") == "You guessed: <b>smears</b> & colours"  # the style adds quotes
    below = "document.querySelector('[data-fc-place=guessed]').nextElementSibling.innerText"
    assert page.evaluate(below).startswith("What it means"), "chapter 0 has no verdict"
    page.reload()
    page.wait_for_selector("[data-fc-place=before] fieldset")
    kept = page.locator("[data-fc-place=before] input:checked").evaluate_all("all => all.map(one => one.value)")
    assert kept == [question.right for question in MINE]
    assert page.get_by_label("Your guess, in a few words").input_value() == "  <b>smears</b> & colours "
    assert page.locator("[data-fc-place=after] input:checked").count() == 0


def test_the_keyboard_is_enough(chapter):
    page, _ = chapter
    page.locator("[data-fc-place=before] input").first.focus()
    for _question in MINE:
        page.keyboard.press("Space")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
    second = [list(question.options)[1] for question in MINE]
    kept = page.locator("[data-fc-place=before] input:checked").evaluate_all("all => all.map(one => one.value)")
    assert kept == second
    while page.evaluate("document.activeElement.tagName") == "A":  # a term of the glossary in the question
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "fc-guess-text"
    page.keyboard.type("eight matter")
    page.locator("[data-fc-place=after] input").first.focus()
    for _question in MINE:
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == CHECK
    page.keyboard.press("Enter")
    assert page.locator(".fc-result").count() == 3
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "fc-name"


def test_groups_and_options_have_names_for_those_who_hear_them(chapter):
    page, _ = chapter
    for when in ("before", "after"):
        for question in MINE:
            group = page.locator(f"[data-fc-place={when}]").get_by_role(
                "group", name=set_well(question.ask), exact=True
            )
            names = [set_well(option.says) for option in question.options.values()]
            assert [group.get_by_role("radio", name=name, exact=True).count() for name in names] == [1] * len(names)
    assert page.get_by_role("textbox", name="Your guess, in a few words").count() == 1
    assert page.get_by_role("textbox", name="Name or number for the file (optional)").count() == 1


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_too_wide(open_page, address, width, theme):
    """Untouched, and with results shown."""
    page, _ = open_page(f"{address}/{PAGE}", width)
    page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
    for answered in (False, True):
        if answered:
            choose(page, "before", [wrong(question) for question in MINE])
            choose(page, "after", [question.right for question in MINE])
            page.get_by_role("button", name=CHECK).click()
        for name in ("before", "guess", "guessed", "after"):
            assert axe_violations(page, f"[data-fc-place={name}]") == ([], {})
        assert page.evaluate(OVERFLOW) == []
    page.close()


def test_saved_answers_are_read_by_the_teacher_s_notebook(chapter, tmp_path):
    page, asked = chapter
    page.get_by_role("button", name="Save my answers").click()
    assert page.get_by_text("There is nothing to save yet.").is_visible()
    choose(page, "before", [wrong(question) for question in MINE])
    page.get_by_label("Your guess, in a few words").fill("smears")
    choose(page, "after", [question.right for question in MINE])
    page.get_by_role("button", name=CHECK).click()
    page.get_by_label("Name or number for the file (optional)").fill("Number 7")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save my answers").click()
    name = download.value.suggested_filename
    assert name.startswith("few-channels-answers-number-7-")
    download.value.save_as(tmp_path / name)
    given = json.loads((tmp_path / name).read_text(encoding="utf-8"))
    assert (given["format"], given["version"], given["name"]) == ("fewchannels-answers", 1, "Number 7")

    answers = read_answers(tmp_path)
    assert answers.skipped == {}
    [learner] = answers.learners
    assert (learner.name, learner.guesses) == ("Number 7", {0: "smears"})
    assert learner.before == {question.id: wrong(question) for question in MINE}
    assert learner.after == {question.id: question.right for question in MINE}
    late = "/_static/favicon.svg"  # the tab's picture, which the browser asks for when it likes
    assert [url for url in asked if not url.startswith("blob:") and not url.endswith(late)] == [], "nothing was sent"


def test_erasing_asks_first_and_then_leaves_nothing(chapter):
    page, _ = chapter
    choose(page, "before", [question.right for question in MINE])
    page.get_by_label("Your guess, in a few words").fill("smears")
    page.evaluate("""() => {
        const answers = JSON.parse(localStorage.getItem("fewchannels.answers"));
        answers.chapters["5"] = { guess: "paste" };
        localStorage.setItem("fewchannels.answers", JSON.stringify(answers));
    }""")
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Erase this chapter's answers").click()
    assert page.locator("[data-fc-place=before] input:checked").count() == 3
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Erase this chapter's answers").click()
    assert page.locator("input[type=radio]:checked").count() == 0
    assert page.get_by_label("Your guess, in a few words").input_value() == ""
    assert page.get_by_text("Erased.").is_visible()
    assert list(json.loads(page.evaluate("localStorage.getItem('fewchannels.answers')"))["chapters"]) == ["5"]
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Erase all my answers").click()
    assert page.evaluate("localStorage.getItem('fewchannels.answers')") is None


def test_where_the_browser_keeps_nothing_it_is_said(browser, site):
    page = browser.new_page()
    page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied'); } })")
    page.goto((site / PAGE).as_uri())
    choose(page, "before", [question.right for question in MINE])
    assert page.get_by_text("This browser keeps nothing.").is_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save my answers").click()
    kept = json.loads(download.value.path().read_text())
    assert kept["chapters"]["0"]["before"] == {question.id: question.right for question in MINE}
    page.close()


def test_without_scripts_the_questions_can_be_answered_on_paper(browser, site):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto((site / PAGE).as_uri())
    text = page.locator("[data-fc-place=before]").inner_text()
    assert all(set_well(question.ask) in text for question in MINE)
    assert "write it down" in text
    assert not page.locator("[data-fc-place=guess]").is_visible()
    page.context.close()

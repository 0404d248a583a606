"""The widgets' words: all in js/strings.js, complete in every language, and spoken in the page's."""

from __future__ import annotations

import json
import re

import pytest
from fewchannels.widgets import bundle
from in_node import node
from js_literals import literals

JS = bundle.SOURCES
ENGINE = "live"  # speaks to programs, as the library does
MODULES = {
    str(file.relative_to(JS)): file.read_text(encoding="utf-8")
    for file in sorted(JS.rglob("*.js"))
    if file.name != "strings.js" and file.relative_to(JS).parts[0] != ENGINE
}
# Words that no reader's language changes: Python that is copied, names that the library gives to sets and runs, and the
# model's English, in which prompts are written.
PYTHON = {"lab/python.js"}
NOT_OF_THE_PAGE = {
    "lab/sets.js": {
        "all but top $",
        "bottom $",
        "by hand",
        "energy-matched to top $ without the first",
        "random $, draw $",
        "top $",
        "top $ without the first",
    },
    "lab/saves.js": {"edited", "live lab"},
    "lab/ask.js": {" and a ", " at the ", " background", " on a ", "a", "and $", "nothing", "two, a"},
    "lab/words.js": {" and $", "$ on a $ $$ background", "a $ $ $ at the $"},
    "lab/state.js": {
        "a large red star at the left on a striped blue background",
        "a small yellow heart at the right on a plain green background",
    },
    "lab/experiments.js": {"a large green heart at the right on a dotted yellow background"},
    "explorer_own.js": {"fewchannels run"},
    "browser_state.js": {"top $ $"},
    "explorer_maps.js": {"mask $ $ $ $"},
    "explorer_pane.js": {"median $ $ $ $"},
    "run_file.js": {"no answer", "no worker"},
}  # fmt: skip
SINK = re.compile(
    r"""(?:\b(?:label|title|text|content|short)|"aria-(?:label|valuetext)"|placeholder):\ $  # a property that is read
    | \b(?:setText\([^"`]*,\ |say\(|refuse\(|new\ Error\(|textContent\ =\ |label\()$        # a call that shows it
    | "aria-(?:label|valuetext)",\ $
    | \bel\((?:"[^"]*"|`[^`]*`),\ \{(?:[^{}]|\{[^{}]*\})*\},\ (?:[^()]*,\ )?$                # a child of an element""",
    re.VERBOSE,
)
SENTENCE = re.compile(r"[A-Za-z]{2,}[,.:;]? (?:[a-z]{2,}|\$)|\$ [a-z]{2,}")
STYLE = re.compile(
    r"fc-|^[a-z0-9]+(?:\.[\w-]+)*$|px |sans-serif|linear-gradient|^[a-z]+(?:-[a-z]+)* [a-z]+(?:-[a-z]+)*$|^/|^#"
)


def strings() -> dict[str, dict[str, str]]:
    """By language and key."""
    return json.loads(node("--input-type=module", "-e", PRINTED))


PRINTED = """
import { STRINGS } from "./lib/fewchannels/widgets/js/strings.js";
console.log(JSON.stringify(STRINGS));
"""


def shown(source: str, module: str) -> list[str]:
    """Literals that a reader would see: given to what is shown, or of several words."""
    found = []
    for literal in literals(source):
        before = source[source.rfind("\n", 0, literal.start) + 1 : literal.start]
        given = SINK.search(before) and re.search(r"[A-Za-z]{2}", literal.text.replace("$", ""))
        sentence = SENTENCE.search(literal.text) and not STYLE.search(literal.text)
        if (given or sentence) and literal.text not in NOT_OF_THE_PAGE.get(module, ()):
            found.append(f"line {literal.line}: {literal.text}")
    return found


@pytest.mark.parametrize("module", MODULES)
def test_no_word_that_is_shown_stands_elsewhere(module):
    assert module in PYTHON or shown(MODULES[module], module) == []


@pytest.mark.parametrize(
    "line",
    [
        'el("p", {}, "Nothing yet")',
        'el("button.fc-button", { type: "button", onclick: () => f({}) }, "Stop")',
        "setText(node, `Channel ${channel} of ${count}`);",
        'hint.say("Saved.");',
        'slider({ label: "Opacity", count: 101 })',
        'node.setAttribute("aria-label", `Channel ${channel}`);',
        'refuse("The file is empty.");',
        "const words = `the mask of ${prompt}`;",
    ],
)
def test_a_word_that_is_left_would_be_found(line):
    assert shown(line, "some.js") != []


def test_code_and_styles_are_no_words():
    source = """el("div.fc-a.fc-b", { role: "status", "aria-live": "polite" }, phrase("saved"));
    if (event.key === "PageDown") change({ how: "zero" }); // a comment with some words
    context.font = `${size}px system-ui, sans-serif`;"""
    assert shown(source, "some.js") == []


def test_exceptions_are_still_there():
    for module, allowed in NOT_OF_THE_PAGE.items():
        assert allowed - {literal.text for literal in literals(MODULES[module])} == set(), module


def test_languages_have_the_same_keys_and_placeholders():
    languages = strings()
    assert {"en", "de"} <= set(languages)
    for tongue, phrases in languages.items():
        assert set(phrases) == set(languages["en"]), tongue
        for key, text in phrases.items():
            places = [sorted(set(re.findall(r"\{(\w+)\}", one))) for one in (text, languages["en"][key])]
            assert places[0] == places[1], f"{tongue}: {key}"
            assert text.strip(), f"{tongue}: {key}"


def test_another_language_is_no_copy():
    languages = strings()
    same = {key for key, text in languages["de"].items() if text == languages["en"][key]}
    assert len(same) < 0.05 * len(languages["en"]), sorted(same)


def test_german_gives_plain_instructions():
    """Nobody is addressed, neither formally nor as a friend; "sie" for a thing may open a sentence."""
    address = re.compile(r"[a-zäöüß] Sie\b|\bIhnen\b|[a-zäöüß] Ihre?[nrms]?\b|\b[Dd](?:u|ein\w*)\b")
    assert address.search("Wählen Sie einen Kanal")
    assert {key: text for key, text in strings()["de"].items() if address.search(text)} == {}


def test_every_phrase_is_used_and_known():
    known = set(strings()["en"])
    used, begun = set(), {"try.$"}  # named on the page that links to the lab's states
    for source in MODULES.values():
        for literal in literals(source):
            if literal.text in known:
                used.add(literal.text)
            elif "$" in literal.text and re.fullmatch(r"[a-z]+(?:\.[\w$]+)+", literal.text):
                begun.add(literal.text)
    for form in begun:
        ending = re.compile(re.escape(form).replace(r"\$", r"[\w.]*") + r"(?:\.(?:one|two|few|other))?")
        used |= {key for key in known if ending.fullmatch(key)}
    counted = {key for key in known if key.rpartition(".")[2] in ("one", "two", "few", "other")}
    used |= {key for key in counted if any(key.startswith(f"{text}.") for text in _counted_keys())}
    assert known - used == set()
    asked = {key for source in MODULES.values() for key in re.findall(r'\bphrase\("([^"]+)"', source)}
    assert asked - known == set()


@pytest.mark.parametrize(
    ("entry", "text"),
    [(bundle.ENTRY, bundle.build()), (bundle.LAB_ENTRY, bundle.build_lab())],
    ids=["explorers", "live lab"],
)
def test_a_bundle_has_the_phrases_that_its_modules_name(entry, text):
    modules = bundle._ordered(entry, JS, {})
    known = set(strings()["en"])
    wanted = {one.text for name, source in modules.items() if name != "strings.js" for one in literals(source)} & known
    carried = set(re.findall(r'^    "([\w.]+)": "', text, re.MULTILINE))
    assert wanted - carried == set()
    assert len(known - carried) > 50, "a bundle leaves out what only the other one says"


def _counted_keys() -> set[str]:
    return {key for source in MODULES.values() for key in re.findall(r'\bcounted\("([^"]+)"', source)}


SPOKEN = """
import { counted, language, phrase, speak } from "./lib/fewchannels/widgets/js/phrases.js";
import { setWords } from "./lib/fewchannels/widgets/js/lab/sets.js";
const told = [];
for (const tongue of ["de-AT", "fr", "en"]) {
  globalThis.document = { documentElement: { lang: tongue } };
  const second = counted("ordinal", 2, { type: "ordinal" });
  told.push([language(), phrase("channel.number", { channel: 3 }), second, setWords({ set: "top", k: 1 }, [])]);
}
speak("de");
told.push([language(), phrase("lab.stop")]);
console.log(JSON.stringify(told));
"""


def test_the_page_says_which_language():
    german, french, english, worker = json.loads(node("--input-type=module", "-e", SPOKEN))
    assert german == ["de", "Kanal 3", "2.", "den größten Kanal"]
    assert french == english == ["en", "channel 3", "2nd", "the largest channel"]
    assert worker == ["de", "Anhalten"]

"""The questions before and after: the committed file is whole and fair, and what is wrong with a file is said."""

import copy
import re
from collections import Counter
from pathlib import Path

import contents
import pytest
import yaml
from fewchannels.notebook.questions import FORMAT, Question, questions_file, read_questions

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = [
    {"id": "a", "says": "Red.", "right": True, "why": "It is."},
    {"id": "b", "says": "Blue.", "misconception": "all is blue", "why": "It is not."},
    {"id": "c", "says": "Green.", "misconception": "all is green", "why": "Nor that."},
]
GOOD = {
    "format": FORMAT,
    "version": 1,
    "chapters": {3: [{"id": f"ch3.{word}", "ask": "Which?", "options": OPTIONS} for word in ("one", "two", "three")]},
}


def read(tmp_path, given):
    file = tmp_path / "questions.yml"
    file.write_text(yaml.safe_dump(given, sort_keys=False))
    return read_questions(file)


# The committed file


def test_every_chapter_has_three_questions():
    wanted = [int(Path(page).stem[:2]) for page in contents.toc_notebooks() if Path(page).stem < "9"]
    counts = Counter(question.chapter for question in read_questions().values())
    assert counts == dict.fromkeys(wanted, 3)
    assert questions_file() == ROOT / "book" / "questions.yml"


def test_the_right_option_cannot_be_told_by_its_place_or_length():
    """Of four options each place and each rank of length would have a quarter of the right ones."""
    questions = list(read_questions().values())
    place = Counter(list(one.options).index(one.right) for one in questions)
    assert max(place.values()) <= len(questions) / 3, place
    for extreme in (min, max):
        told = [
            one.id
            for one in questions
            if len(one.options[one.right].says) == extreme(len(option.says) for option in one.options.values())
        ]
        assert len(told) <= len(questions) / 3, (extreme, told)


def test_texts_are_plain_and_end_as_sentences_do():
    for question in read_questions().values():
        texts = [question.ask, *(text for one in question.options.values() for text in (one.says, one.why))]
        assert not [text for text in texts if re.search(r"[`*_<>\\]|\]\(", text)], "a page would show Markdown's marks"
        assert not [text for text in texts if text[-1] not in ".?"]
        assert not [one.misconception for one in question.options.values() if one.misconception.endswith(".")]
        assert len({one.says for one in question.options.values()}) == len(question.options)


# What is wrong with a file is said


def test_a_good_file_is_read(tmp_path):
    found = read(tmp_path, GOOD)
    assert list(found) == ["ch3.one", "ch3.two", "ch3.three"]
    assert isinstance(found["ch3.one"], Question)
    assert (found["ch3.one"].chapter, found["ch3.one"].right) == (3, "a")
    assert [one.misconception for one in found["ch3.one"].options.values()] == ["", "all is blue", "all is green"]


def first(given):
    return given["chapters"][3][0]


def option(given, number=1):
    return first(given)["options"][number]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda g: g.update(format="claims"), "expected `format: fewchannels-questions`"),
        (lambda g: g.update(version=2), "`version: 1`"),
        (lambda g: g.update(chapters={}), "expected `chapters:`"),
        (lambda g: g.update(chapters={"three": g["chapters"][3]}), "chapters' numbers"),
        (lambda g: g["chapters"][3].pop(), "chapter 3 has 2 questions; expected 3"),
        (lambda g: g.update(chapters={3: "none"}), "chapter 3 has no list of questions"),
        (lambda g: g["chapters"][3].__setitem__(1, first(g)), r"'ch3.one' is there twice"),
        (lambda g: first(g).update(id="ch4.one"), "expected an id such as 'ch3.some_word'"),
        (lambda g: first(g).update(id="Ch3 one"), "expected an id such as"),
        (lambda g: first(g).pop("ask"), "expected a text for `ask`, got None"),
        (lambda g: first(g).update(hint="x"), "'ch3.one': unknown: hint"),
        (lambda g: first(g).update(options=OPTIONS[:2]), "expected 3 to 5 options"),
        (lambda g: option(g).update(id="a"), "the option 'a' is there twice"),
        (lambda g: option(g).update(id=True), "quote words such as yes"),
        (lambda g: option(g).update(id="B"), "small letters"),
        (lambda g: option(g).pop("misconception"), "option 'b': expected either `right: true` or the misconception"),
        (lambda g: option(g, 0).update(misconception="x"), "option 'a': expected either"),
        (lambda g: option(g, 0).update(right=False), "`right` is False"),
        (lambda g: option(g, 0).update(right="yes"), "`right` is 'yes'"),
        (lambda g: (option(g).pop("misconception"), option(g).update(right=True)), "2 options are `right: true`"),
        (lambda g: (option(g, 0).pop("right"), option(g, 0).update(misconception="x")), "0 options are"),
        (lambda g: option(g).pop("why"), "expected a text for `why`"),
        (lambda g: option(g).update(says="  "), "expected a text for `says`"),
        (lambda g: first(g)["options"].__setitem__(1, "blue"), "an option: expected a text for `id`, got None"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, spoil, words):
    given = copy.deepcopy(GOOD)
    spoil(given)
    with pytest.raises(ValueError, match=r"questions\.yml: .*" + words):
        read(tmp_path, given)

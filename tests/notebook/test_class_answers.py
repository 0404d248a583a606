"""A class's answers added up: numbers that can be counted by hand; files that are damaged, foreign or there twice."""

import json

import numpy as np
import pytest
from fewchannels.notebook.class_answers import ClassAnswers, Learner, read_answers, write_made_up_answers
from fewchannels.notebook.questions import read_questions

QUESTIONS = read_questions()
CONTROL, ONE, ZERO = "ch2.control", "ch2.one", "ch2.zero"  # right: energy, first, level


def content(**over):
    answers = {"before": {CONTROL: "random", ONE: "first"}, "after": {CONTROL: "energy", ONE: "first"}}
    given = {"format": "fewchannels-answers", "version": 1, "learner": "a1", "chapters": {"2": answers}}
    return given | over


def write(folder, **files):
    for name, given in files.items():
        text = given if isinstance(given, str) else json.dumps(given)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return folder


def learners(*pairs):
    """A learner for each (before, after) of the question CONTROL; None is no answer."""
    return tuple(
        Learner(str(i), before={CONTROL: b} if b else {}, after={CONTROL: a} if a else {})
        for i, (b, a) in enumerate(pairs)
    )


# Figures


def test_shares_are_those_of_who_answered_both_times():
    pairs = [("random", "energy"), ("energy", "energy"), ("random", "random"), ("energy", None), (None, "random")]
    answers = ClassAnswers(learners(*pairs), QUESTIONS)
    one = answers.by_question(CONTROL)[CONTROL]
    assert one.n == 3
    assert one.before.value == pytest.approx(1 / 3)
    assert one.after.value == pytest.approx(2 / 3)
    assert one.gain.value == pytest.approx(1 / 3)
    assert one.gain.low <= 0 <= one.gain.high  # three learners say little
    assert list(answers.by_question()) == [CONTROL]


def test_the_interval_comes_from_learners_and_narrows_with_them():
    pairs = [("random", "energy"), ("random", "random"), ("energy", "energy")]
    few = ClassAnswers(learners(*pairs * 3), QUESTIONS).by_question(CONTROL)[CONTROL].gain
    many = ClassAnswers(learners(*pairs * 30), QUESTIONS).by_question(CONTROL)[CONTROL].gain
    assert few.value == pytest.approx(many.value)
    assert (many.high - many.low) == pytest.approx((few.high - few.low) / np.sqrt(10), rel=0.15)
    assert many.low > 0


def test_a_chapter_is_the_mean_of_each_learner_s_questions():
    after = {CONTROL: "energy", ONE: "first", ZERO: "level"}
    first = Learner("a", before={CONTROL: "random", ONE: "first"}, after=after)
    second = Learner("b", before={ONE: "seven"}, after={ONE: "seven"})
    found = ClassAnswers((first, second), QUESTIONS).by_chapter()
    assert list(found) == ["2"]
    assert (found["2"].before.value, found["2"].after.value, found["2"].n) == (0.25, 0.5, 2)


def test_right_is_one_zero_or_unknown():
    answers = ClassAnswers(learners(("random", "energy"), (None, None)), QUESTIONS)
    at = list(QUESTIONS).index(CONTROL)
    assert answers.right("before")[0, at] == 0
    assert answers.right("after")[0, at] == 1
    assert np.isnan(answers.right("after")).sum() == 2 * len(QUESTIONS) - 1
    with pytest.raises(ValueError, match="when='during': expected 'before' or 'after'"):
        answers.right("during")
    with pytest.raises(LookupError, match=r"no question 'ch2\.lost'; there are ch0\.channel"):
        answers.by_question("ch2.lost")


def test_misconceptions_that_remained_come_first():
    pairs = [("random", "random"), ("random", "energy"), ("smallest", "random"), ("more", "energy"), ("random", None)]
    rows = ClassAnswers(learners(*pairs), QUESTIONS).remaining()
    assert [(one.option, one.before, one.after, one.kept, one.n) for one in rows] == [
        ("random", 2, 2, 1, 4),
        ("smallest", 1, 0, 0, 4),
        ("more", 1, 0, 0, 4),
    ]
    assert rows[0].says == "a random control answers every objection"
    assert len(ClassAnswers(learners(*pairs), QUESTIONS).remaining(1)) == 1


# Files


def test_a_file_is_read_whole(tmp_path):
    given = content(name="Ada")
    given["chapters"]["3"] = {"guess": " from the prompt ", "before": {}, "after": {}}
    answers = read_answers(write(tmp_path, ada=given))
    [one] = answers.learners
    assert (one.id, one.name, one.made_up) == ("a1", "Ada", False)
    assert one.before == {CONTROL: "random", ONE: "first"}
    assert one.after == {CONTROL: "energy", ONE: "first"}
    assert one.guesses == {3: "from the prompt"}
    assert (answers.skipped, answers.left_out, answers.label) == ({}, {}, "1 learner")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("{", "it is damaged, or no JSON"),
        ("[" * 100_000, "it is damaged, or no JSON"),
        ("[1]", "it is of another format; expected what 'Save my answers' gives, 'fewchannels-answers'"),
        (content(format="fewchannels-questions"), "it is of another format; expected"),
        (content(version=2), "it is of version 2, and this library reads version 1"),
        (content(learner=7), "it does not say whose answers belong together"),
        (content(name=["Ada"]), "its name is no text of at most 80 letters"),
        (content(name="a" * 81), "its name is no text of at most 80 letters"),
        (content(chapters=[]), "it holds no chapters"),
        (" " * 1_000_001, "it has more than 1,000 kB; a file of answers has a few"),
    ],
)
def test_a_bad_file_is_named_with_the_reason_and_the_others_are_read(tmp_path, given, reason):
    answers = read_answers(write(tmp_path, bad=given, good=content()))
    assert list(answers.skipped) == ["bad.json"]
    assert answers.skipped["bad.json"].startswith(reason)
    assert len(answers.learners) == 1
    (tmp_path / "good.json").unlink()
    with pytest.raises(ValueError, match=r"no file of answers \(bad\.json: its? "):
        read_answers(tmp_path)


def test_files_of_other_kinds_and_encodings(tmp_path):
    (tmp_path / "Group B").mkdir()
    write(tmp_path / "Group B", deep=content(learner="b"))
    (tmp_path / "notes.docx").write_bytes(b"PK")
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    (tmp_path / "marked.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(content(learner="c")).encode())
    (tmp_path / "latin.json").write_bytes(json.dumps(content(name="Zoë"), ensure_ascii=False).encode("latin-1"))
    answers = read_answers(tmp_path)
    assert [one.id for one in answers.learners] == ["b", "c"]
    assert answers.skipped == {
        "latin.json": "it is damaged, or no JSON",
        "notes.docx": "its name does not end in .json",
    }


def test_what_is_not_known_is_left_out_by_name_and_the_rest_counts(tmp_path):
    given = content()
    given["chapters"]["2"]["before"] |= {"ch2.lost": "a", "ch3.early": "noise", ZERO: "yes"}
    given["chapters"] |= {"three": {}, "4": {"before": "all", "after": {"ch4.critical": None}}}
    answers = read_answers(write(tmp_path, one=given))
    assert answers.skipped == {}
    assert answers.left_out == {
        "one.json": (
            "chapter 2, before: unknown question 'ch2.lost'",
            "chapter 2, before: unknown question 'ch3.early'",  # of another chapter
            "ch2.zero, before: unknown option 'yes'",
            "chapter 'three': expected a number with answers",
            "chapter 4, before: expected answers by question",
            "ch4.critical, after: unknown option None",
        )
    }
    assert answers.learners[0].before == {CONTROL: "random", ONE: "first"}


def test_who_handed_in_twice_counts_once(tmp_path):
    more = content()
    more["chapters"]["2"]["after"][ZERO] = "level"
    answers = read_answers(write(tmp_path, a_early=content(), b_late=more, c_again=content()))
    assert len(answers.learners) == 1
    assert ZERO in answers.learners[0].after
    reason = "the same learner as b_late.json, which holds as many answers or more"
    assert answers.skipped == {"a_early.json": reason, "c_again.json": reason}


def test_no_folder_and_an_empty_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder; put the files"):
        read_answers(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="no file of answers, the folder is empty"):
        read_answers(tmp_path)


# Made up


def test_made_up_files_say_so_and_are_the_same_for_a_seed(tmp_path):
    first, again, other = (
        write_made_up_answers(tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    texts = [[file.read_text() for file in sorted(folder.iterdir())] for folder in (first, again, other)]
    assert len(texts[0]) == 30
    assert texts[0] == texts[1] != texts[2]
    answers = read_answers(first)
    assert answers.label == "30 learners, all MADE UP"
    assert (answers.skipped, answers.left_out) == ({}, {})
    assert all(one.name.startswith("made-up") for one in answers.learners)
    with pytest.raises(ValueError, match="learners=0"):
        write_made_up_answers(tmp_path, learners=0)


def test_made_up_answers_show_what_a_class_could(tmp_path):
    answers = read_answers(write_made_up_answers(tmp_path))
    chapters = answers.by_chapter()
    assert list(chapters) == sorted({str(one.chapter) for one in QUESTIONS.values()}, key=int)
    assert all(one.before.value < one.after.value for one in chapters.values())
    assert min(one.n for one in chapters.values()) < 30  # some stop
    assert answers.remaining()[0].after > 3

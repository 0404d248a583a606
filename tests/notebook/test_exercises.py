import numpy as np
import pytest
from fewchannels.notebook import answers
from fewchannels.notebook.answers import Exercise, right_answer
from fewchannels.notebook.exercises import answer


@pytest.fixture
def ask(monkeypatch):
    """ask(exercise, given, *run) -> what answer returns."""

    def asked(one, given, *run):
        monkeypatch.setitem(answers.EXERCISES, "ch99.mine", one)
        return answer("ch99.mine", given, *run)

    return asked


@pytest.mark.parametrize(
    ("given", "right", "within", "expected"),
    [
        (None, 3, 0, None),
        (3, 3, 0, True),
        (4, 3, 0, False),
        (0.52, 0.5, 0.05, True),
        ("Star ", "star", 0, True),
        ([2, 1], np.array([1, 2]), 0, True),
        ([1], {1, 2}, 0, False),
        ("three", 3, 0, False),
    ],
)
def test_answers_are_compared_by_what_they_are(ask, given, right, within, expected, capsys):
    assert ask(Exercise(right, "count again", within), given) is expected
    said = capsys.readouterr().out
    assert ("count again" in said) == (expected is False)
    assert ("No answer yet" in said) == (expected is None)


def test_the_right_answer_of_a_run_is_computed_only_once_one_is_given(ask):
    seen = []
    one = Exercise(lambda numbers: seen.append(numbers) or max(numbers), "look again")
    assert ask(one, None, [1, 7]) is None
    assert seen == []
    assert ask(one, 7, [1, 7]) is True
    assert ask(one, 8, [1, 7]) is False
    assert right_answer("ch99.mine", [1, 7]) == 7
    several = Exercise(lambda least: lambda given: given.bit_length() > least, "larger")
    assert ask(several, 9, 3) is True
    assert ask(several, 1, 3) is False
    assert ask(several, "nine", 3) is False, "what cannot be compared"


def test_what_does_not_fit_is_an_error_before_an_answer_is_given(ask):
    with pytest.raises(LookupError, match=r"no exercise 'ch3\.dice'; there are .*ch3\.coin"):
        answer("ch3.dice", None)
    with pytest.raises(TypeError, match=r"'ch2\.dearest' takes of the run: by_depth; got 0 values"):
        answer("ch2.dearest", None)
    with pytest.raises(TypeError, match=r"'ch3\.coin' takes of the run: nothing; got 1 values"):
        answer("ch3.coin", None, 0.2)
    with pytest.raises(TypeError, match="NoneType"):
        ask(Exercise(lambda found: found + 1, "count"), 3, None), "an answer of ours that fails is no wrong answer"


def test_answers_that_need_no_run():
    wanted = {
        "ch3.coin": 0.2,
        "ch5.both_goals": 0,
        "ch6.share_of_level": 0.36,
        "ch7.coin": 0.2,
        "ch10.moments": 14,
        "ch90.begins_at": 85,
    }
    for name, right in wanted.items():
        assert answer(name, right) is True
        assert answer(name, right + 0.1) is False
    assert right_answer("ch7.contaminated", 192, 8) == pytest.approx(0.294, abs=1e-3)
    assert right_answer("ch8.chance") == pytest.approx(144 / 3072 / (24 - 144 / 3072), rel=0.1)

import numpy as np
import pytest
from fewchannels.notebook.exercises import answer


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
        (7, lambda n: n > 5, 0, True),
        ("three", 3, 0, False),
    ],
)
def test_answers_are_compared_by_what_they_are(given, right, within, expected, capsys):
    assert answer(given, right, hint="count again", within=within) is expected
    said = capsys.readouterr().out
    assert ("count again" in said) == (expected is False)
    assert ("No answer yet" in said) == (expected is None)

import numpy as np
import pytest
from fewchannels import plots
from fewchannels.plots.answers import EXPECTED, OBTAINED
from matplotlib.colors import to_hex


def words(figure):
    return [text.get_text() for axis in figure.axes for text in (*axis.texts, axis.title, axis._left_title)]


def test_arrays_of_one_shape_get_their_difference():
    same = plots.expected_obtained(np.zeros((2, 5, 6)), np.ones((2, 5, 6)), ("token", "channel"))
    assert [word for word in words(same) if word] == [
        "expected: 2 x 5 x 6",
        "yours: 2 x 5 x 6",
        "yours minus expected: 2 x 5 x 6",
    ]
    assert np.allclose(same.axes[2].images[0].get_array(), 1)
    assert [axis.get_ylabel() for axis in same.axes] == ["token"] * 3
    other = plots.expected_obtained(np.array([-4.0, 9.0]), np.ones((3, 2)), ("channel",))
    assert [word for word in words(other) if word] == ["expected: 2", "yours: 3 x 2"]
    assert [bar.get_height() for bar in other.axes[0].patches] == [-2, 3], "roots that keep their sign"


def test_a_number_line_keeps_the_answer_to_itself():
    drawn = plots.number_line(0.2, 0.25)
    assert sorted(word for word in words(drawn) if word) == ["expected", "yours: 0.25"]
    [axis] = drawn.axes
    assert not len(axis.get_xticks())
    at = [line.get_xdata()[0] for line in axis.lines[1:]]
    assert at == [0.2, 0.25]


@pytest.mark.parametrize("choice", ["b", "none of them"])
def test_bars_show_the_choice_and_the_expected_one(choice):
    drawn = plots.chosen({"a": 3.0, "b": 1.0, "c": 2.0}, choice, "a", "how much")
    colours = [to_hex(bar.get_facecolor()).upper() for bar in drawn.axes[0].patches]
    assert colours[0] == EXPECTED
    assert (colours[1] == OBTAINED) == (choice == "b")
    assert drawn.axes[0].get_ylabel() == "how much"

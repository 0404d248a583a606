"""A condition is data: its names, its products, the places that it can name."""

import pytest
from fewchannels.studies.condition import Condition, each, one_at_a_time, parts


def test_a_name_says_what_differs_from_a_plain_condition():
    assert Condition(channels="top").name == "zero, top, k 8"
    moved = Condition("transport", "random", draw=2, blocks=(0, 1, 2), steps=(3,), mask="union", strength=0.5)
    assert moved.name == "transport, random 3, k 8, block 0 to 2, step 3, mask of union, strength 0.5"
    assert Condition("", prompts="few").name == "untouched, on few"
    assert Condition(channels="top", through="gain", into="mlp").name == "zero, top, k 8, through gain, into mlp"


def test_equal_fields_are_one_condition_whatever_they_were_given_as():
    assert Condition().but(blocks=[0, 1]) == Condition(blocks=(0, 1)) == Condition().but(blocks=range(2))
    assert len({Condition().but(steps=3), Condition(steps=(3,))}) == 1


def test_a_field_that_does_not_exist_names_those_that_do():
    with pytest.raises(ValueError, match="no field 'block'; it has edit, channels, k"):
        Condition().but(block=3)


def test_each_is_a_product_in_the_order_given():
    found = each(Condition(), channels=("top", "bottom"), k=(1, 2))
    assert [(c.channels, c.k) for c in found] == [("top", 1), ("top", 2), ("bottom", 1), ("bottom", 2)]


@pytest.mark.parametrize(("count", "most", "places"), [(3, 8, [0, 1, 2]), (57, 4, [0, 19, 37, 56]), (1, 8, [0])])
def test_one_at_a_time_spreads_over_the_depth(count, most, places):
    assert one_at_a_time(count, most) == [(place,) for place in places]


@pytest.mark.parametrize("count", [1, 2, 3, 8, 57])
def test_parts_cover_all_once(count):
    assert [i for piece in parts(count) for i in piece] == list(range(count))

"""Figures of effects: what is drawn is what was given, and misfits are named."""

from __future__ import annotations

import numpy as np
import pytest
from fewchannels import plots


def test_dots_draw_values_intervals_headings_and_levels():
    figure = plots.dots(
        {"zero": {"top": (0.5, 0.4, 0.6), "random 1": 0.3}, "shuffle": {"top": np.nan}}, "change", lines={"floor": 0.1}
    )
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["top", "random 1", "top"]
    assert {"zero", "shuffle", "floor"} <= {text.get_text() for text in axes.texts}
    spans = [list(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2]
    assert [0.4, 0.6] in spans
    colours = {line.get_color() for line in axes.lines if list(line.get_xdata()) == [0.3]}
    assert colours == {plots.PALETTE["random"]}
    with pytest.raises(ValueError, match=r"'top'.*a value, or"):
        plots.dots({"top": (1, 2)}, "change")
    with pytest.raises(ValueError, match="at least one condition"):
        plots.dots({}, "change")


def test_curves_take_words_or_numbers_and_refuse_misfits():
    band = (np.array([1.0, 2.0]), np.array([0.5, 1.5]), np.array([1.5, 2.5]))
    axes = plots.curves(["early", "late"], {"top": band, "bottom": np.array([0.0, np.nan])}, "window", "change").axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["early", "late"]
    assert axes.lines[0].get_ydata().tolist() == [1, 2]
    assert len(axes.collections) == 1
    with pytest.raises(ValueError, match="2 values for 3 places"):
        plots.curves([1, 2, 4], {"top": band}, "k", "change")


def test_the_frontier_joins_points_and_draws_their_intervals():
    axes = plots.frontier(
        {"top": [(0.1, 0.9), (0.5, 0.6, (0.4, 0.6), (0.5, 0.7))]}, "adopted", "kept", {"top": ["k 1", "k 8"]}
    ).axes[0]
    assert axes.lines[0].get_xydata().tolist() == [[0.1, 0.9], [0.5, 0.6]]
    assert [text.get_text() for text in axes.texts] == ["k 1", "k 8"]
    assert len(axes.lines) == 3


def test_a_table_writes_its_numbers_and_leaves_nan_blank():
    axes = plots.table_of_numbers(np.array([[0.25, np.nan]]), ["early"], ["a", "b"], "change").axes[0]
    assert [text.get_text() for text in axes.texts] == ["0.25"]
    with pytest.raises(ValueError, match="1 rows and 1 columns"):
        plots.table_of_numbers(np.zeros((1, 2)), ["early"], ["a"], "change")


def test_dots_of_one_group_have_its_colour_and_others_never_that_of_the_top():
    axes = plots.dots({"random": {"k = 1": 0.3, "top": 0.4}, "coin": {"as it is": 0.1}}, "IoU").axes[0]
    colours = {line.get_xdata()[0]: line.get_color() for line in axes.lines}
    assert colours[0.3] == plots.PALETTE["random"]
    assert colours[0.4] == plots.PALETTE["top"] != colours[0.1]


def test_dots_without_a_number_say_so():
    axes = plots.dots({"top": np.nan, "random": (np.nan,) * 3}, "change").axes[0]
    assert [text.get_text() for text in axes.texts] == ["not measured on this model"]


def test_twins_join_each_set_with_the_one_that_holds_none():
    axes = plots.twins([2, 0], [0.5, 0.3], [0.4, 0.3], ("drawn", "twins"), "held", "change").axes[0]
    assert [line.get_xydata().tolist() for line in axes.lines][:2] == [[[0, 0.4], [2, 0.5]], [[0, 0.3], [0, 0.3]]]
    with pytest.raises(ValueError, match=r"expected \[N\] each"):
        plots.twins([2, 0], [0.5], [0.4, 0.3], ("drawn", "twins"), "held", "change")


def test_replicates_draw_each_repetition_and_the_mean_of_them():
    kinds = {"now": {"one": [1.0, 4.0], "two": [9.0]}, "then": {"one": [np.nan, 2.0]}}
    figure = plots.replicates(kinds, "size", levels={"bound": 3}, log=True)
    (axes,) = figure.axes
    drawn = {tuple(line.get_xdata()) for line in axes.lines}
    assert {(1.0, 4.0), (9.0,), (2.0,)} <= drawn
    means = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "|"]
    assert means == pytest.approx([2, 9, 2]), "geometric, of what is known"
    assert [text.get_text() for text in axes.get_yticklabels()] == ["one", "two"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["now", "then", "bound"]
    plain = plots.replicates({"now": kinds["now"]}, "size")
    assert [line.get_xdata()[0] for line in plain.axes[0].lines if line.get_marker() == "|"] == [2.5, 9]
    assert not plain.legends, "one kind needs no name"
    with pytest.raises(ValueError, match="nothing to draw"):
        plots.replicates({"now": {}}, "size")


def test_before_and_after_stand_in_one_row():
    given = {"one": ((0.2, 0.1, 0.4), (0.6, 0.4, 0.8)), "two": ((0.5, 0.3, 0.7), (0.4, 0.2, 0.6))}
    axes = plots.before_after(given, "share right", ("chance", 0.25)).axes[0]
    marks = [line for line in axes.lines if line.get_marker() in ("s", "o")]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in marks] == [(0.2, 0), (0.6, 0), (0.5, 1), (0.4, 1)]
    spans = [tuple(line.get_xdata()) for line in axes.lines if line.get_linewidth() == 2]
    assert spans == [(0.1, 0.4), (0.4, 0.8), (0.3, 0.7), (0.2, 0.6)]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "two"]
    with pytest.raises(ValueError, match=r"'one': shape \(2,\); expected \(value, low, high\) before"):
        plots.before_after({"one": (0.2, 0.6)}, "share")
    with pytest.raises(ValueError, match="nothing to draw"):
        plots.before_after({}, "share")


def test_an_interval_that_reaches_below_zero_is_seen_whole():
    assert plots.dots({"gain": (0.1, -0.2, 0.4)}, "gain").axes[0].get_xlim()[0] < -0.2
    assert plots.dots({"gain": (0.1, 0.05, 0.4)}, "gain").axes[0].get_xlim()[0] == 0

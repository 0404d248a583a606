"""Grids of numbers on one scale, and the pictures that a widget turns over."""

import numpy as np
import pytest
from fewchannels import plots


def test_panels_share_their_scale_and_show_hundredths():
    panels = {"top": np.array([[0.5, 0.25]]), "bottom": np.array([[0.1, np.nan]]), "all": np.array([[0.0, 1.0]])}
    figure = plots.panels_of_numbers(panels, rows=["3"], columns=["1", "0.6"], xlabel="noise level")
    shown = [axis for axis in figure.axes if axis.images]
    assert [axis.get_title(loc="left") for axis in shown] == list(panels)
    assert {axis.images[0].get_clim() for axis in shown} == {(0.0, 1.0)}
    assert [text.get_text() for text in shown[0].texts] == ["50", "25"]
    assert [text.get_text() for text in shown[1].texts] == ["10"]
    with pytest.raises(ValueError, match=r"'top' of shape \(1, 2\) for 2 rows"):
        plots.panels_of_numbers(panels, rows=["3", "4"], columns=["1", "0.6"])


def test_maps_become_pictures_by_their_colours():
    picture = plots.coloured(np.array([[0.0, 1.0], [2.0, -5.0]]), "gray", 0, 1, side=3)
    assert picture.shape == (6, 6, 3)
    assert picture.dtype == np.uint8
    assert (picture[:3, :3] == 0).all()
    assert (picture[:3, 3:] == 255).all()
    assert (picture[3:, :3] == 255).all()  # beyond the scale is its end


def test_an_outline_follows_the_mask_and_the_outside_is_darker():
    image = np.full((1, 12, 12, 3), 100, np.uint8)
    mask = np.zeros((1, 4, 4), bool)
    mask[0, 1:3, 1:3] = True
    shown = plots.outlined(image, mask, colour=(255, 0, 0))[0]
    assert (shown[0, 0] == 40).all()
    assert (shown[3, 3] == (255, 0, 0)).all()
    assert (shown[5, 5] == 100).all()
    assert (image == 100).all()
    with pytest.raises(ValueError, match="equal tokens"):
        plots.outlined(image, np.ones((1, 5, 5), bool))
    assert plots.outlined(image, np.ones((1, 5, 5), bool), size=(10, 10)).shape == (1, 10, 10, 3)


def test_three_views_of_maps_for_a_flipbook():
    rng = np.random.default_rng(0)
    heat, largest = rng.random((2, 3, 4, 6, 8)), rng.normal(size=(2, 3, 4, 6, 8))
    masks = np.ones(heat.shape, bool)
    masks[..., 3:, :] = False
    seen = rng.integers(0, 255, (2, 4, 6, 8, 3), dtype=np.uint8)
    views = plots.mask_views(heat, largest, masks, seen)
    assert views.shape == (3, 4, len(plots.MASK_VIEWS), 2, 36, 48, 3)
    assert views.dtype == np.uint8
    assert (views[1, 2, 0, 1] == plots.coloured(heat[1, 1, 2], "cividis", 0, 1, side=6)).all()
    assert (views[1, 2, 2, 1, 0, 0] == (255, 255, 0)).all()  # the outline
    assert (views[1, 2, 2, 1, 8, 8] == seen[1, 2, 1, 1]).all()

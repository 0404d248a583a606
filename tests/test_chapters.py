"""What a chapter does first: pictures for its page."""

import numpy as np
from fewchannels.chapters import on_page


def test_pictures_for_a_page_are_small_and_keep_their_shape():
    small = np.arange(2 * 48 * 48 * 3, dtype=np.uint8).reshape(2, 48, 48, 3)
    assert np.array_equal(on_page(small), small)
    large = np.zeros((2, 3, 512, 1024, 3), np.uint8)
    large[1] = 200
    assert on_page(large).shape == (2, 3, 128, 256, 3)
    assert (on_page(large)[1] == 200).all()

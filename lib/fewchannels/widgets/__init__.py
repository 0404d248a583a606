"""The explorers: one front end (js/, bundled into bundle.js), live in a notebook and alone in a page.

    ChannelBrowser   ranked channels and their token maps over blocks and steps
    Flipbook         pictures and numbers of every setting, turned over with sliders

Both see arrays and results, never models.
"""

from .browser import ChannelBrowser
from .flipbook import Flipbook

__all__ = ["ChannelBrowser", "Flipbook"]

"""The explorers: one front end (js/, bundled into bundle.js), live in a notebook and alone in a page.

    ChannelBrowser   ranked channels and their token maps over blocks and steps
    Explorer         whole runs: all channels, blocks and steps, one run against another, and the reader's own run files
    Flipbook         pictures and numbers of every setting, turned over with sliders

Both see arrays and results, never models.
"""

from .browser import ChannelBrowser
from .explorer import Explorer
from .flipbook import Flipbook

__all__ = ["ChannelBrowser", "Explorer", "Flipbook"]

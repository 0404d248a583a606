"""The explorers: one front end (js/, bundled into bundle.js), live in a notebook and alone in a page.

    ChannelBrowser   ranked channels and their token maps over blocks and steps
    Explorer         whole runs: all channels, blocks and steps, one run against another, and the reader's own run files
    Flipbook         pictures and numbers of every setting, turned over with sliders
    LiveLab          the toy world's model in the page, to be asked, looked into and edited there

All see arrays and results, never models; the live lab reads the toy world's weights as files.
"""

from .browser import ChannelBrowser
from .explorer import Explorer
from .flipbook import Flipbook
from .live_lab import LiveLab

__all__ = ["ChannelBrowser", "Explorer", "Flipbook", "LiveLab"]

"""Figures as HTML for a page without a kernel, without a network, and for readers who do not see them.

A static figure travels inside its tag as WebP. A plotly figure travels as JSON with a loader of a few lines; the
site's own copy of plotly (4.8 MB) is fetched once, and only where a figure asks for it. plotly's own HTML renderers
bring another host's address into every figure, so they are not used.
"""

from __future__ import annotations

import base64
import html
import io
import json
import re
from typing import Any

import matplotlib

from .diagram import Drawing
from .fonts import complete

DOTS = 200  # an inch, so that type stays sharp on dense screens
WEBP_MAX = 16383  # pixels a side; a longer figure has fewer dots
PIXELS = 112  # CSS pixels an inch at most: type of 10.5 points is then as large as the page's own

# `script` is the loader's own tag; the figure's div and its JSON stand before it.
LOADER = """(function (script) {
  var data = script.previousElementSibling, place = data.previousElementSibling;
  function draw() {
    var figure = JSON.parse(data.textContent);
    place.textContent = "";
    Plotly.newPlot(place, figure.data, figure.layout, {responsive: true, displayModeBar: false});
  }
  function load(done, fail) {
    if (window.Plotly) return done();
    var tag = document.createElement("script"), root = document.documentElement.dataset.content_root;
    tag.src = (root || "./") + "_static/ext/plotly.min.js";
    tag.onload = done; tag.onerror = fail;
    document.head.appendChild(tag);
  }
  window.fewchannelsPlotly = window.fewchannelsPlotly || new Promise(load);
  window.fewchannelsPlotly.then(draw, function () {
    place.textContent = "plotly.min.js could not be loaded. This figure shows: " + place.getAttribute("aria-label");
  });
})(document.currentScript);"""


def static_figure(figure: Any, alt: str, caption: str | None = None) -> str:
    """A matplotlib Figure as <figure> with the picture inside; alt and caption are taken as text, not as HTML."""
    from PIL import Image

    complete(figure)
    buffer = io.BytesIO()
    dots = min(DOTS, int(WEBP_MAX / max(figure.get_size_inches())))
    with matplotlib.rc_context({"savefig.bbox": None}):  # the caller's "tight" would be of another size
        figure.savefig(buffer, format="png", dpi=dots)
    picture = Image.open(buffer).convert("RGB")
    encoded = min((_webp(picture, lossless=True), _webp(picture, quality=88)), key=len)
    source = "data:image/webp;base64," + base64.b64encode(encoded).decode("ascii")
    width, height = (round(side * PIXELS) for side in figure.get_size_inches())
    image = (
        f'<img alt="{html.escape(alt)}" src="{source}" width="{width}" height="{height}" '
        'style="max-width:100%;height:auto">'
    )
    return _framed(image, caption)


def drawing(given: Drawing, alt: str, caption: str | None = None) -> str:
    """A Drawing as <figure>, its SVG inside the tag; as wide as it was drawn, and narrower where there is no room."""
    _, _, width, height = re.search(r'viewBox="([^"]+)"', given.svg)[1].split()
    source = "data:image/svg+xml;base64," + base64.b64encode(given.svg.encode()).decode("ascii")
    image = (
        f'<img alt="{html.escape(alt)}" src="{source}" width="{width}" height="{height}" '
        'style="max-width:100%;height:auto">'
    )
    return _framed(image, caption)


def plotly_figure(figure: Any, alt: str, caption: str | None = None) -> str:
    """A plotly figure (or its dict) as <figure> with its JSON and the loader."""
    import plotly.io

    text = plotly.io.to_json(figure, validate=False, remove_uids=True)
    height = (json.loads(text).get("layout") or {}).get("height", 450)
    place = (
        f'<div class="fc-plotly" role="img" aria-label="{html.escape(alt)}" style="min-height:{int(height)}px"></div>'
    )
    # every "<" is escaped: "</script" would end the tag, and "<!--<script" would swallow the page after it
    data = '<script type="application/json">' + text.replace("<", "\\u003c") + "</script>"
    return _framed(f"{place}{data}<script>{LOADER}</script>", caption)


def live_figure(figure: Any) -> dict[str, Any]:
    """A plotly figure as data by MIME type, as plotly's own renderers for this front end give it; {} for a browser.

    plotly's `show` does the same, but asks for nbformat, of which it needs nothing, and has no place for words.
    """
    from plotly.io.base_renderers import MimetypeRenderer

    bundle = {}
    for name, renderer in _renderers().items():
        if isinstance(renderer, MimetypeRenderer):
            if name not in _activated:  # brings plotly's program where it takes one, once
                renderer.activate()
                _activated.add(name)
            bundle |= renderer.to_mimebundle(figure.to_dict())
    return bundle


def open_outside(figure: Any) -> None:
    """Show a plotly figure where plotly's renderer is no part of the notebook, such as a browser."""
    from plotly.io.base_renderers import MimetypeRenderer

    for renderer in _renderers().values():
        if not isinstance(renderer, MimetypeRenderer):
            renderer.render(figure.to_dict())


_activated: set[str] = set()


def _renderers() -> dict[str, Any]:
    from plotly.io import renderers

    return {name: renderers[name] for name in renderers.default.split("+") if name}


def page_renderer() -> Any:
    """A plotly renderer for `plotly.io.renderers["book"]`: what fig.show() and a cell's last line give in a page.

    The text for those who do not see it is the figure's `layout.meta["alt"]`, else its title.
    """
    from plotly.io.base_renderers import MimetypeRenderer

    class PageRenderer(MimetypeRenderer):
        def to_mimebundle(self, fig_dict):
            layout = fig_dict.get("layout", {})
            meta, title = layout.get("meta"), layout.get("title") or {}
            alt = meta.get("alt") if isinstance(meta, dict) else None
            alt = alt or html.unescape(title.get("text") or "") or "An interactive figure"
            return {"text/html": plotly_figure(fig_dict, alt), "text/plain": alt}

    return PageRenderer()


def _framed(content: str, caption: str | None) -> str:
    below = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{content}{below}</figure>"


def _webp(picture: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", method=4, **options)
    return buffer.getvalue()

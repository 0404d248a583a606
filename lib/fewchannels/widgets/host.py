"""Two hosts for one front end: a live kernel through anywidget, and a page that stands alone.

    widget                          # in Jupyter, VS Code, Colab: the anywidget view, state goes both ways
    widget.to_html()                # a piece of a page: markup, data, and the program unless it is there already
    widget.save("browser.html")     # a page of its own, which opens from the disk

While the book is being built (FEWCHANNELS_BOOK=1) the notebook's output is `to_html()`, so the page needs neither a
kernel nor a widget manager. A notebook that is run by hand holds it beside the live view, for pages made of it later.
No string of the data can end the script that carries it: each "<" is written \\u003c.
"""

from __future__ import annotations

import base64
import html
import json
import os
import sys
import zlib
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from ..disk import write_whole

BUNDLE = Path(__file__).with_name("bundle.js")
STATIC = 1_000_000  # characters in a saved notebook; Jupyter's servers drop messages of more than 3 MB in 3 seconds

_LOADER = """\
(function (script) {
  "use strict";
  var place = script.previousElementSibling.previousElementSibling;
  var page = window.fewchannels || (window.fewchannels = {});
  var bytes = function (text) {
    return Uint8Array.from(atob(text), function (c) { return c.charCodeAt(0); });
  };
  var fail = function (error) {
    var note = place.querySelector("[data-fc-wait]");
    if (note) note.textContent = "This figure could not start here: " + error.message;
    console.error(error);
  };
  var program = script.getAttribute("data-fc-program") || "";
  var modules = page.modules || (page.modules = {});
  if (!modules[program]) {
    var packed = document.querySelector('script[data-fc-module="' + program + '"]');
    modules[program] = !packed ? Promise.reject(new Error("the page does not carry its program"))
      : typeof DecompressionStream === "undefined"
      ? Promise.reject(new Error("it needs a browser of 2023 or later"))
      : new Response(
          new Blob([bytes(packed.textContent.trim())]).stream().pipeThrough(new DecompressionStream("deflate"))
        ).blob().then(function (code) {
          return import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
        });
  }
  var given = JSON.parse(script.previousElementSibling.textContent);
  var packedBlob = bytes(given.blob);
  var heard = {};
  var values = Object.assign({}, given, { blob: new DataView(packedBlob.buffer) });
  var model = {
    get: function (name) { return values[name]; },
    set: function (name, value) {
      values[name] = value;
      (heard["change:" + name] || []).forEach(function (f) { f(); });
    },
    save_changes: function () {},
    on: function (name, f) { (heard[name] || (heard[name] = [])).push(f); },
    off: function (name, f) {
      heard[name] = f ? (heard[name] || []).filter(function (g) { return g !== f; }) : [];
    }
  };
  modules[program].then(function (module) {
    return module.default.render({ model: model, el: place, host: "page" });
  }).catch(fail);
})(document.currentScript);"""


def json_in_html(value: Any) -> str:
    """JSON text that is safe inside a script element, whatever its strings hold."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


class PageWidget(anywidget.AnyWidget):
    """What the two widgets share: traits `kind`, `data` (JSON), `blob` (packed arrays) and `state` (goes both ways)."""

    _esm = BUNDLE
    _program = ""  # the name of another bundle than the explorers', in a page that may hold both
    _module_shown = False  # of the class that names the bundle

    kind = traitlets.Unicode().tag(sync=True)
    data = traitlets.Dict().tag(sync=True)
    blob = traitlets.Bytes().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, kind: str, data: dict, blob: bytes = b"", state: dict | None = None) -> None:
        super().__init__(kind=kind, data=data, blob=blob, state=state or {})

    def to_html(self, with_module: bool = True, still: str = "") -> str:
        """This widget as a piece of an HTML page (str), with its state as it is now.

        with_module: also carry the program. One copy on a page serves all its widgets and has to come first. still:
        HTML for readers without JavaScript, such as a picture.
        """
        given = {"kind": self.kind, "data": self.data, "state": self.state}
        text = json_in_html({**given, "blob": base64.b64encode(self.blob).decode("ascii")})
        label = html.escape(self.data.get("label", self.kind), quote=True)
        parts = []
        if with_module:
            code = base64.b64encode(zlib.compress(self._bundle().read_bytes(), 9)).decode("ascii")
            name = f'="{self._program}"' if self._program else ""
            parts.append(f'<script type="text/plain" data-fc-module{name}>{code}</script>')
        parts.append(
            f'<div class="fc-widget" role="group" aria-label="{label}">'
            f"<p data-fc-wait>{label}: this figure can be explored once the page's script has run.</p>"
            f"<noscript>{still or '<p>It needs JavaScript, which is turned off here.</p>'}</noscript></div>"
        )
        parts.append(f'<script type="application/json">{text}</script>')
        program = f' data-fc-program="{self._program}"' if self._program else ""
        parts.append(f"<script{program}>{_LOADER}</script>")
        return "\n".join(parts)

    @classmethod
    def _bundle(cls) -> Path:
        return BUNDLE

    def save(self, path: str | Path, title: str = "Few channels") -> Path:
        """Writes a page of its own, which needs no network and no server; returns its path.

        Raises OSError as `disk.write_whole` does.
        """
        path = Path(path)
        page = (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{html.escape(title)}</title>\n"
            "<style>:root{color-scheme:light dark}body{margin:0 auto;max-width:60rem;padding:1rem;"
            "font:16px/1.5 system-ui,sans-serif}</style>\n</head>\n<body>\n<main>\n"
            f"<h1>{html.escape(title)}</h1>\n{self.to_html()}\n</main>\n</body>\n</html>\n"
        )
        write_whole(path, page.encode())
        return path

    # where ipywidgets 7 looks first, and Colab has 7: the bundle below is what every version shows
    _ipython_display_ = None

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        if os.environ.get("FEWCHANNELS_BOOK") == "1":
            home = next(owner for owner in type(self).__mro__ if "_module_shown" in vars(owner))
            first, home._module_shown = not home._module_shown, True
            return {"text/html": self.to_html(with_module=first), "text/plain": self.data.get("label", self.kind)}
        # a closed widget has no view, and ipywidgets 7 no number to look for one
        data, metadata = ({}, {}) if self.comm is None else super()._repr_mimebundle_(**kwargs)
        return {**data, **self._without_kernel()}, metadata

    def _without_kernel(self) -> dict[str, str]:
        """What a saved notebook shows where no kernel answers: nbconvert's pages, a viewer, an export as text."""
        label = self.data.get("label", self.kind)
        said = (
            f"{label}: it runs in a live notebook. For a page of its own: widget.save('page.html'); for notebooks that "
            "are turned into pages: run them with FEWCHANNELS_BOOK=1."
        )
        if "google.colab" in sys.modules:  # its notebooks carry the state of widgets, from which pages are made
            return {"text/plain": said}
        page = self.to_html()  # with the program, as the cell that had it may be gone
        return {"text/plain": said, "text/html": page if len(page) < STATIC else f"<p>{html.escape(said)}</p>"}

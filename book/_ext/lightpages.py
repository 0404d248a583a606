"""Sphinx extension: pages load only what they use, and their bibliography reads well aloud.

Two scripts stand on every page of the stock theme, 3.6 MB together. MathJax is needed where there is a formula;
FontAwesome's script only for icons given as SVG, while this theme's own icons come from its icon fonts.
The writer of citations claims the roles of a list for parts that do not form one; without them it is plain text.
"""

from __future__ import annotations

import re
from pathlib import Path

FONTAWESOME = re.compile(
    r"\s*<!-- So that users can add custom icons -->|\s*<script [^>]*fontawesome\.js[^>]*></script>"
)
CITATION_ROLES = re.compile(r' role="list"(?= class="citation-list")| role="doc-biblioentry"')


def _drop_mathjax(app, pagename, templatename, context, doctree) -> None:
    # not has_equations(), which also asks the pages below this one in the table of contents
    if app.env.get_domain("math").data["has_equations"].get(pagename):
        return
    path = app.config.mathjax_path

    def needed(script) -> bool:
        text = f"{getattr(script, 'filename', script)} {getattr(script, 'attributes', {}).get('body', '')}"
        return path not in text and "window.MathJax" not in text

    context["script_files"] = [script for script in context.get("script_files", []) if needed(script)]


def _mend_pages(app, exception) -> None:
    if exception is not None or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        mended = CITATION_ROLES.sub("", FONTAWESOME.sub("", text))
        if mended != text:
            page.write_text(mended, encoding="utf-8")


def setup(app) -> dict:
    app.connect("html-page-context", _drop_mathjax, priority=995)
    app.connect("build-finished", _mend_pages)
    return {"version": "1", "parallel_read_safe": True}

"""Sphinx extension: what Jupyter Book's stock pages need in order to load nothing twice and nothing from elsewhere, to
show chapters by their numbers, and to be printed whole.

Jupyter Book 1.x and Sphinx add some inline scripts twice, and a `const` that is declared twice is an error on every
page; thebe's scripts point at another host and nothing here uses them. Style sheets in book/assets are added to all
pages, so that a new file needs no entry in _config.yml.
"""

from __future__ import annotations

import re
from pathlib import Path

from docutils import nodes

CHAPTER = re.compile(r"notebooks/(\d+)_")
THEBE = re.compile(r"thebe", re.IGNORECASE)


def script_key(script) -> tuple:
    """What makes two script tags the same: file and attributes (an inline script's text is among them)."""
    attributes = getattr(script, "attributes", {})
    name = getattr(script, "filename", str(script)) or ""  # None or "" for an inline one, after the way it was added
    return (name, tuple(sorted((key, str(value)) for key, value in attributes.items() if key != "priority")))


def is_thebe(script) -> bool:
    """Whether a script tag belongs to thebe, by its file's name or by its text."""
    name, attributes = script_key(script)
    return bool(THEBE.search(str(name))) or any(key == "body" and THEBE.search(value) for key, value in attributes)


def mend_scripts(app, pagename, templatename, context, doctree):
    """Drop repeated scripts and thebe's from a page."""
    kept, seen = [], set()
    for script in context.get("script_files", []):
        key = script_key(script)
        if key not in seen and not is_thebe(script):
            seen.add(key)
            kept.append(script)
    context["script_files"] = kept
    # The sidebar has the search field; the theme underneath would open a second bar across the page for its own.
    context["theme_navbar_persistent"] = []
    context["css_files"] = [css for css in context.get("css_files", []) if "thebe" not in str(css)]


def add_styles(app):
    """Add every style sheet that stands in book/assets."""
    for sheet in sorted((Path(app.srcdir) / "book" / "assets").glob("*.css")):
        app.add_css_file(sheet.name)


def search_from_disk(app):
    """Let the search page work on file:// too, where browsers refuse to fetch the pages that it would quote from."""
    body = "if (location.protocol === 'file:') DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;"
    app.add_js_file(None, body=body)


def number_chapter(app, doctree):
    """Put a chapter's number, which its file's name has, before its title in the sidebar and in links to it."""
    name = app.env.docname
    if found := CHAPTER.match(name):
        in_sidebar = next(app.env.tocs[name].findall(nodes.reference))
        for title in (app.env.titles[name], in_sidebar):
            title.insert(0, nodes.Text(f"{int(found[1])} \N{MIDDLE DOT} "))


def print_whole(app):
    """Open what is folded while a page is printed, and close it again."""
    body = (
        "addEventListener('beforeprint', () => document.querySelectorAll('details:not([open])').forEach(d => {"
        " d.open = true; d.dataset.fcPrinted = ''; }));"
        "addEventListener('afterprint', () => document.querySelectorAll('details[data-fc-printed]').forEach(d => {"
        " d.open = false; delete d.dataset.fcPrinted; }));"
    )
    app.add_js_file(None, body=body)


def setup(app):
    app.connect("builder-inited", print_whole)
    app.connect("doctree-read", number_chapter, priority=900)  # after titles were collected
    app.connect("builder-inited", add_styles)
    app.connect("builder-inited", search_from_disk)
    # Late, so that the scripts which the theme adds for one page have been added.
    app.connect("html-page-context", mend_scripts, priority=990)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

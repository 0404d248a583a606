"""Every control of every explorer changes what its explorer shows.

A slider's own thumb moves in any case, so a control's own box is painted over before the pictures are compared.
"""

from __future__ import annotations

import numpy as np
import pytest

from .looks import differ, pixels

WIDGETS = ".fc-widget"
PLOTS = ".js-plotly-plot"
EXPLORED = "notebooks/01_massive_channels.html"  # must have an explorer
SETTLE = 6000  # ms that a change may take to show


def picture(page, element, hidden=None) -> np.ndarray:
    """Pixels of an element, [H, W, 3], with the box of another painted over."""
    shown = pixels(element)
    if hidden is not None:
        outer, inner = element.bounding_box(), hidden.bounding_box()
        x, y = (int(inner[axis] - outer[axis]) for axis in "xy")
        shown[max(0, y - 6) : int(y + inner["height"]) + 6, max(0, x - 6) : int(x + inner["width"]) + 6] = 0
    return shown


def changes(page, element, act, hidden=None) -> bool:
    """Whether `act` changes what an element shows, outside the hidden box."""
    before = picture(page, element, hidden)
    act()
    for _ in range(SETTLE // 150):
        page.wait_for_timeout(150)
        after = picture(page, element, hidden)
        if differ(before, after):
            return True
    return False


def label_of(control):
    """The label that shows a hidden radio button or checkbox, or the control itself."""
    label = control.evaluate_handle("e => e.closest('label') || e").as_element()
    return label or control


def press_slider(control) -> None:
    at_end = control.evaluate("e => Number(e.value) >= Number(e.max || 100)")
    control.press("ArrowLeft" if at_end else "ArrowRight")


def choose_other(control) -> None:
    values = control.evaluate("e => [...e.options].filter(o => !o.selected && !o.disabled).map(o => o.value)")
    control.select_option(values[0])


def controls(widget) -> list[tuple[str, object]]:
    """The visible, enabled controls, one option for each group of radio buttons."""
    found, groups = [], set()
    for control in widget.query_selector_all("input, select, button"):
        kind = control.evaluate("e => e.tagName === 'INPUT' ? e.type : e.tagName.toLowerCase()")
        if control.is_disabled() or not label_of(control).is_visible():
            continue
        if kind == "radio":
            name = control.get_attribute("name")
            if name in groups or control.is_checked():
                continue
            groups.add(name)
        if kind == "select" and control.evaluate("e => e.options.length") < 2:
            continue
        found.append((kind, control))
    return found


def operate(page, widget, kind, control) -> bool:
    """Whether using the control shows outside the control."""
    control.scroll_into_view_if_needed()
    if kind == "range":
        control.focus()
        return changes(page, widget, lambda: press_slider(control), hidden=control)
    if kind == "select":
        control.focus()
        return changes(page, widget, lambda: choose_other(control), hidden=control)
    if kind == "number":
        value, last = int(control.input_value()), int(control.get_attribute("max"))
        other = str(value + 1 if value < last else value - 1)
        return changes(page, widget, lambda: control.fill(other), hidden=control)
    if kind in ("radio", "checkbox"):
        label = label_of(control)
        return changes(page, widget, label.click, hidden=label)
    if kind == "button":
        control.hover()
        control.focus()
        return changes(page, widget, control.click)
    if kind == "file":
        no_run = {"name": "no-run.safetensors", "mimeType": "application/octet-stream", "buffer": b"no run"}
        return changes(page, widget, lambda: control.set_input_files(no_run))
    raise AssertionError(f"no test knows how to use <input type={kind!r}>: add it here")


def use_widgets(page, backwards: bool) -> tuple[int, dict[tuple, str]]:
    """Use every control of a page, in its order or from the last. -> how many there were, those that did nothing."""
    used, dead = 0, {}
    for number, widget in enumerate(page.query_selector_all(WIDGETS)):
        ordered = list(enumerate(controls(widget)))
        for place, (kind, control) in reversed(ordered) if backwards else ordered:
            name = control.evaluate("e => e.outerHTML.slice(0, 120)")
            if not label_of(control).is_visible():  # put away by one that was used before
                continue
            used += 1
            if not operate(page, widget, kind, control):
                dead[number, place] = f"explorer {number}: {kind}: {name}"
    return used, dead


def use_plots(page) -> tuple[int, dict[tuple, str]]:
    """Drag every plotly slider and press every plotly button of a page."""
    used, dead = 0, {}
    for number, plot in enumerate(page.query_selector_all(PLOTS)):
        for slider in plot.query_selector_all(".slider-container .slider-group"):
            rail = slider.query_selector(".slider-rail-touch-rect")
            rail.scroll_into_view_if_needed()
            used += 1
            if not any(
                changes(page, plot, lambda r=rail, s=share: click_at(page, r, s), hidden=slider) for share in (0.9, 0.1)
            ):
                dead[number, "slider"] = f"plot {number}: slider"
        for button in plot.query_selector_all(".updatemenu-button"):
            used += 1
            if not changes(page, plot, button.click, hidden=button):
                dead[number, button.text_content()] = f"plot {number}: button {button.text_content()}"
    return used, dead


def click_at(page, element, share: float) -> None:
    box = element.bounding_box()
    page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


@pytest.mark.parametrize("source", ["server", "disk"])
def test_every_control_changes_what_is_shown(open_page, site, address, page_name, source):
    name = page_name or EXPLORED
    text = (site / name).read_text(encoding="utf-8")
    if 'class="fc-widget' not in text and "plotly.min.js" not in text:
        assert name != EXPLORED, f"{name} has no explorer"
        return
    # a control may rightly change nothing where those before it have led (one scale for all maps, at the map that sets
    # it; what lies over the picture, at a channel without a map): a dead one is dead in both orders
    dead = None
    for backwards in (False, True):
        page, watch = open_page(f"{address}/{name}" if source == "server" else (site / name).as_uri())
        page.wait_for_timeout(300)
        used, dead_controls = use_widgets(page, backwards)
        plots, dead_plots = use_plots(page)
        page.close()
        assert watch.errors == []
        found = dead_controls | dead_plots
        dead = found if dead is None else {key: text for key, text in dead.items() if key in found}
        if not dead:
            break
    assert list(dead.values()) == []
    assert used + plots > 0 or name != EXPLORED, f"{name} has no control"

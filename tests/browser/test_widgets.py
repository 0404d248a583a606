"""The explorers alone in a page opened from the disk: every control by mouse, keyboard and touch, themes, links."""

from __future__ import annotations

import numpy as np
import pytest
from fewchannels.widgets import ChannelBrowser, Flipbook

from .looks import differ, pixels

HOSTILE = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"
WIDTH, PEAK = 24, 17


@pytest.fixture(scope="module")
def explorers():
    """A browser in which channel 17 towers, most so in block 1 at step 3, and a flipbook of three settings."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3, 4, 6 * 8, WIDTH)).astype(np.float32)
    x[..., PEAK] += 20 + 5 * np.arange(4)[None, None, :, None]
    x[:, 1, 3, :, PEAK] += 50
    images = rng.integers(0, 255, (2, 48, 64, 3), dtype=np.uint8)
    browser = ChannelBrowser(
        scores_abs_mean=np.abs(x.mean(3)),
        scores_mean_abs=np.abs(x).mean(3),
        energy=(x**2).mean(3),
        maps=x[..., [2, 5, PEAK]],
        map_channels=[2, 5, PEAK],
        grid=(6, 8),
        images=images,
        prompts=["a red star", HOSTILE],
        layers=["double.0", "double.1", "single.0"],
        sigmas=[1, 0.7, 0.4, 0.1],
        k=2,
        rows=12,
        start={"layer": 0, "step": 1},
        title=HOSTILE,
    )
    sets = rng.integers(0, 255, (3, 2, 16, 16, 3), dtype=np.uint8)
    sizes, chosen = np.ones((3, 2, WIDTH), np.float32), np.zeros((2, WIDTH), bool)
    chosen[:, PEAK] = True
    sizes[..., PEAK] = [[9, 16], [4, 4], [0, 0]]
    flip = Flipbook(
        sets,
        {"k": [0, 4, 8]},
        numbers={"shape": [1, 0.5, 0.25]},
        captions=["none", "four", "eight"],
        marks={"k": {0: "as it is", 8: "all"}},
        skyline=(sizes, chosen, ["block 0", "block 1"]),
    )
    return browser, flip


@pytest.fixture(scope="module")
def opened(explorers, browser, tmp_path_factory):
    """opened(width, theme, fragment, touch) -> (page, errors): both explorers in one file:// page."""
    channels, flip = explorers
    path = tmp_path_factory.mktemp("widgets") / "page.html"
    channels.save(path, title="Explorers")
    text = path.read_text(encoding="utf-8").replace("</main>", flip.to_html(with_module=False) + "</main>")
    path.write_text(text, encoding="utf-8")
    pages = []

    def at(width=1280, theme="light", fragment="", touch=False):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme, has_touch=touch)
        pages.append(page)
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on(
            "request", lambda r: errors.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None
        )
        page.goto(path.as_uri() + fragment)
        page.wait_for_function("document.querySelectorAll('[data-fc-ready]').length === 2")
        return page, errors

    yield at
    for page in pages:
        page.close()


def look(page, selector) -> np.ndarray:
    page.wait_for_timeout(80)  # a frame or two
    return pixels(page.locator(selector).first)


def facts(page) -> list[str]:
    page.wait_for_timeout(80)
    return page.locator(".fc-facts").first.locator("dd").all_text_contents()


def number(page) -> int:
    page.wait_for_timeout(80)
    return int(page.get_by_label("Channel", exact=True).input_value())


def test_every_slider_changes_pixels(opened):
    page, errors = opened()
    seen = {"Block (depth)": ".fc-maps", "Denoising step": ".fc-maps", "Opacity": ".fc-maps figure:nth-of-type(2)"}
    for label, where in seen.items():
        before = look(page, where)
        box = page.get_by_label(label).bounding_box()
        middle = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + box["width"] / 2, middle)
        page.mouse.down()
        for share in (0.6, 0.8, 0.99):
            page.mouse.move(box["x"] + box["width"] * share, middle)
        page.mouse.up()
        assert differ(look(page, where), before), label
    before = look(page, ".fc-maps")
    page.get_by_label("Denoising step").press("ArrowLeft")
    assert differ(look(page, ".fc-maps"), before)
    assert page.get_by_label("Denoising step").get_attribute("aria-valuetext").startswith("2 · σ 0.4")
    before = look(page, ".fc-tilerow")
    page.get_by_label("k", exact=True).press("ArrowRight")
    assert differ(look(page, ".fc-tilerow"), before)
    assert page.locator(".fc-cell-caption").text_content() == "four"
    assert page.locator(".fc-marks span").all_text_contents() == ["as it is", "all"]
    rows = page.locator(".fc-skyline svg")
    assert "the largest channel is 17, 4 times" in rows.nth(1).get_attribute("aria-label")
    towers = page.locator(".fc-skyline .fc-edited")
    assert towers.nth(0).bounding_box()["height"] > 0
    page.get_by_label("k", exact=True).press("ArrowRight")
    page.wait_for_timeout(80)
    assert [tower.get_attribute("d") for tower in towers.all()] == ["", ""]
    assert "1 times the median" in rows.nth(0).get_attribute("aria-label")
    page.get_by_label("k", exact=True).press("ArrowLeft")
    page.wait_for_timeout(80)
    assert page.locator(".fc-lines .fc-big").text_content() == "0.5"
    assert errors == []


def test_clicks_lead_where_they_say(opened):
    page, errors = opened()
    assert number(page) == PEAK  # the largest is chosen first
    assert facts(page)[1] == f"1 of {WIDTH}"
    row = page.locator(".fc-row").nth(4)
    wanted = int(row.locator(".fc-number").text_content())
    row.click()
    assert number(page) == wanted
    assert facts(page)[1] == f"5 of {WIDTH}"
    page.keyboard.press("ArrowDown")  # the ranking is one tab stop; arrows walk down it
    assert facts(page)[1] == f"6 of {WIDTH}"
    page.get_by_role("button", name="Largest here").click()
    assert number(page) == PEAK
    page.get_by_role("button", name="Largest here").click()
    assert page.locator(".fc-pick .fc-bubble").last.text_content() == f"Channel {PEAK} is the largest here."
    page.get_by_role("button", name="Its peak").click()
    page.wait_for_timeout(80)
    assert (page.get_by_label("Block (depth)").input_value(), page.get_by_label("Denoising step").input_value()) == (
        "1",
        "3",
    )
    assert float(facts(page)[0]) == pytest.approx(85, abs=1)
    page.locator(".fc-strip").click(position={"x": 5, "y": 5})
    page.wait_for_timeout(80)
    assert page.get_by_label("Block (depth)").input_value() == "0"
    page.locator(".fc-strip").press("ArrowDown")
    page.wait_for_timeout(80)
    assert page.get_by_label("Block (depth)").input_value() == "1"
    before = look(page, ".fc-ranks")
    page.get_by_text("mean |x|", exact=True).first.click()
    assert differ(look(page, ".fc-ranks"), before)
    before = look(page, ".fc-maps")
    page.locator(".fc-chips label").nth(1).click()
    assert differ(look(page, ".fc-maps"), before)
    before = look(page, ".fc-maps")
    page.get_by_label("Map over picture").uncheck()
    assert differ(look(page, ".fc-maps"), before)
    before = look(page, ".fc-maps")
    page.get_by_label("Colour scale").select_option("channel")
    assert differ(look(page, ".fc-maps"), before)
    assert errors == []


def test_a_channel_is_found_by_number(opened):
    page, errors = opened()
    field = page.get_by_label("Channel", exact=True)
    field.fill("3")
    assert facts(page)[1] != f"1 of {WIDTH}"
    missing = page.locator(".fc-missing")
    assert missing.is_visible()
    assert "The map of channel 3 is not kept here" in missing.text_content()
    missing.get_by_role("button").click()
    assert number(page) in (2, 5, PEAK)
    assert not missing.is_visible()
    field.fill("999")
    assert page.get_by_text(f"Channels run from 0 to {WIDTH - 1}.").is_visible()
    field.blur()
    assert number(page) in (2, 5, PEAK)
    field.fill("0")
    page.get_by_label("Previous channel").click()
    assert number(page) == WIDTH - 1
    page.get_by_label("Next channel").click()
    assert number(page) == 0
    page.wait_for_timeout(700)
    assert "Channel 0, block 0, step 1" in page.locator("[aria-live]").first.text_content()
    assert errors == []


def test_pointing_at_a_token_tells_its_value(opened):
    page, _ = opened()
    page.locator(".fc-frame").first.hover(position={"x": 4, "y": 4})
    page.wait_for_timeout(80)
    assert page.locator(".fc-pointed").text_content().startswith("Token in row 1, column 1: ")
    assert page.locator(".fc-token").nth(1).is_visible()


def test_a_link_restores_the_view(opened):
    page, errors = opened(fragment="#fc=channels;prompt.1;layer.2;step.0;channel.5;score.mean_abs;scale.channel")
    assert number(page) == 5
    assert page.get_by_label("Block (depth)").input_value() == "2"
    assert page.get_by_label("Colour scale").input_value() == "channel"
    page.get_by_label("Block (depth)").press("ArrowLeft")
    page.get_by_role("button", name="Copy link").first.click()
    page.wait_for_timeout(150)
    assert "layer.1;step.0" in page.evaluate("location.hash")
    again, _ = opened(fragment=page.evaluate("location.hash"))
    assert number(again) == 5
    assert again.get_by_label("Block (depth)").input_value() == "1"
    assert errors == []


def test_hostile_strings_are_shown_as_text(opened):
    page, errors = opened()
    assert page.evaluate("window.hacked") is None
    assert page.locator(".fc-head").text_content() == HOSTILE
    assert page.locator(".fc-chips .fc-prompt").nth(1).text_content() == HOSTILE
    assert page.locator(".fc-widget img").count() == 0
    assert errors == []


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (700, "dark"), (390, "dark")])
def test_themes_and_widths(opened, width, theme):
    from axe_playwright_python.sync_playwright import Axe

    page, errors = opened(width, theme, touch=width < 500)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    found = [v for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == []
    dark = page.locator(".fc-widget").first.evaluate("e => getComputedStyle(e).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (theme == "dark")
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    assert page.locator(".fc-widget").first.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"
    if width < 500:
        before = number(page)
        page.locator(".fc-row").nth(2).tap()
        assert number(page) != before
    assert errors == []


def test_state_goes_both_ways_with_a_live_model(opened):
    """The program with a model as anywidget gives it: what the reader does is saved, what Python sets is shown."""
    page, errors = opened()
    page.evaluate("""async () => {
        const json = document.querySelector('script[type="application/json"]').textContent;
        const given = JSON.parse(json);
        const bytes = Uint8Array.from(atob(given.blob), c => c.charCodeAt(0));
        const heard = [];
        window.live = {
            values: { ...given, blob: new DataView(bytes.buffer) }, saves: 0,
            get(name) { return this.values[name]; },
            set(name, value) { this.values[name] = value; },
            save_changes() { this.saves += 1; },
            on(name, f) { heard.push(f); },
            off() {},
            python(state) { this.values.state = state; heard.forEach(f => f()); },
        };
        const place = document.createElement('div');
        place.id = 'live';
        document.querySelector('main').append(place);
        const module = await window.fewchannels.modules[""];
        window.stop = await module.default.render({ model: window.live, el: place });
    }""")
    live = page.locator("#live")
    assert live.get_by_role("button", name="Copy link").count() == 0
    live.get_by_label("Denoising step").press("ArrowRight")
    page.wait_for_timeout(400)
    assert page.evaluate("window.live.values.state.step") == 2
    assert page.evaluate("window.live.saves") == 1
    page.evaluate("window.live.python({ channel: 5, step: 0 })")
    page.wait_for_timeout(100)
    assert live.get_by_label("Channel", exact=True).input_value() == "5"
    assert live.get_by_label("Denoising step").input_value() == "0"
    page.evaluate("window.stop()")
    assert errors == []


def test_frames_while_dragging_are_short(opened):
    """One change takes less of the processor than a frame of 60 a second lasts: script, layout, style and painting."""
    page, _ = opened()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})  # not the clock: other tests run beside

    def busy() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(m["value"] for m in metrics if m["name"] == "TaskDuration")

    before = busy()
    page.evaluate("""async () => {
        const input = document.querySelectorAll('.fc-slider input')[1];
        for (let i = 0; i < 60; i++) {
            input.value = i % 4;
            input.dispatchEvent(new Event('input', { bubbles: true }));
            await new Promise(requestAnimationFrame);
        }
    }""")
    assert (busy() - before) / 60 < 1 / 60

"""The channel explorer alone in a page from the disk: drag, type, keys, links, exports, files good and bad, themes."""

from __future__ import annotations

import base64
from urllib.parse import unquote

import numpy as np
import pytest
from fewchannels import ChannelSet, load_run
from fewchannels.runfile import Run, save_run
from fewchannels.widgets.explorer import Explorer
from PIL import Image

from .bad_files import HOSTILE, write_bad_files, write_hostile
from .looks import all_differ, differ, pixels

WIDTH, PEAK, GRID = 24, 17, (6, 8)
LABELS = [
    ("layer", "Block (depth)"),
    ("step", "Denoising step"),
    ("score", "Score"),
    ("set", "Marked channels"),
    ("cond", "Picture"),
    ("scale", "Colours"),
    ("over", "Over the picture"),
]
PROVENANCE = {
    "model": "a model of numbers",
    "revision": "r1",
    "seed": 0,
    "steps": 4,
    "dtype": "float32",
    "versions": {},
    "date": "2026-01-01T00:00:00",
}


def made_run(prompts=2, layers=3, steps=4, width=WIDTH, grid=GRID, k=4, seed=0) -> Run:
    """A run in which channel 17 towers, most so in block 1 at step 3; its map shows a blob off the edge."""
    rng = np.random.default_rng(seed)
    mean = rng.normal(0, 1, (prompts, layers, steps, width)).astype(np.float32)
    mean[..., PEAK] = 20 + 5 * np.arange(steps)
    mean[:, 1, steps - 1, PEAK] += 50
    top = np.argsort(-np.abs(mean).mean((0, 2)), axis=1)[:, :k]
    maps = rng.normal(0, 0.2, (prompts, layers, steps, *grid, k)).astype(np.float16)
    y, x = np.mgrid[: grid[0], : grid[1]]
    maps += np.where((abs(y - grid[0] / 2) < grid[0] / 4) & (abs(x - grid[1] / 2) < grid[1] / 4), 5, 0)[..., None]
    images = rng.integers(0, 255, (prompts, 48, 64, 3), dtype=np.uint8)
    return Run(
        PROVENANCE,
        [f"prompt number {i}" for i in range(prompts)],
        stats={"mean": mean, "mean_abs": np.abs(mean) + 0.5, "var": np.ones_like(mean)},
        maps={"top": maps},
        images={"": images, "zero top 4": 255 - images},
        index={
            "layers": [f"blocks.{i}" for i in range(layers)],
            "steps": list(range(steps)),
            "grid": list(grid),
            "channels": {"top": {"indices": top.tolist(), "width": width, "label": f"top {k}"}},
            "maps": {
                "top": {
                    "axes": ["sample", "layer", "step", "row", "column", "channel"],
                    "channels": "top",
                    "samples": list(range(prompts)),
                    "steps": list(range(steps)),
                }
            },
        },
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The page, a good run file, and a folder for more."""
    folder = tmp_path_factory.mktemp("explorer")
    good = save_run(folder / "good.safetensors", made_run(prompts=3, layers=5, width=40, seed=1))
    explorer = Explorer([made_run()])
    explorer.data = {**explorer.data, "sample": "good.safetensors"}
    return explorer.save(folder / "page.html", title="Explorer"), good, folder


@pytest.fixture(scope="module")
def opened(files, browser):
    """opened(width, theme, fragment, touch) -> (page, errors)."""
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
        page.goto(files[0].as_uri() + fragment)
        page.wait_for_function("document.querySelectorAll('[data-fc-ready]').length === 1")
        settle(page)
        return page, errors

    yield at
    for page in pages:
        page.close()


SETTLED = """async () => {
    const frame = () => new Promise(requestAnimationFrame);
    for (let before = '', i = 0; i < 50; i++) {
        for (let n = 0; n < 4; n++) await frame();
        const now = document.querySelector('.fc-widget').textContent;
        if (now === before) return;
        before = now;
    }
}"""


def settle(page) -> None:
    """Until two looks, some frames apart, find the same: a busy machine is slow, not wrong."""
    page.evaluate(SETTLED)


def look(page, selector) -> np.ndarray:
    settle(page)
    return pixels(page.locator(selector).first)


STATE = """root => JSON.stringify([
    root.innerText,
    [...root.querySelectorAll('input, select')].map(e => ['radio', 'checkbox'].includes(e.type) ? e.checked : e.value),
    [...root.querySelectorAll('canvas')].filter(canvas => canvas.checkVisibility()).map(canvas => canvas.toDataURL()),
])"""


def state_of(page, selector) -> str:
    """Texts, values of controls, and the pixels of every picture that is shown.

    Not a screenshot: two of the same page differ by one level in a few pixels of rounded corners. Not the hidden
    pictures: they keep what they showed last.
    """
    settle(page)
    return page.locator(selector).first.evaluate(STATE)


def told(page, pane=0) -> str:
    """The line under the heat map: channel, block, score, rank."""
    settle(page)
    return page.locator(".fc-hero .fc-pointed").nth(pane).text_content()


def drag(page, locator, *shares, row=0.5) -> None:
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    y = box["y"] + box["height"] * row
    page.mouse.move(box["x"] + box["width"] * 0.5, y)
    page.mouse.down()
    for share in shares:
        page.mouse.move(box["x"] + box["width"] * share, y)
    page.mouse.up()
    page.mouse.move(0, 0)


def choose(page, label, value, nth=0) -> None:
    page.get_by_label(label, exact=True).locator("visible=true").nth(nth).select_option(value)
    settle(page)


def test_sliders_and_the_heat_map_by_mouse(opened):
    page, errors = opened()
    first = told(page)
    assert first.startswith(f"Channel {PEAK} in block 1: |mean| 30")  # the largest is chosen first
    assert first.endswith(f", 1st of {WIDTH}")
    for label, selector in (("Denoising step", ".fc-heat"), ("Block (depth)", ".fc-looks"), ("Opacity", ".fc-looks")):
        before = look(page, selector)
        drag(page, page.get_by_label(label), 0.7, 0.99)
        assert differ(look(page, selector), before), label
    assert told(page).startswith(f"Channel {PEAK} in block 2")
    heat = page.locator(".fc-heat")
    drag(page, heat, 0.3, (5 + 0.5) / WIDTH, row=0.1)
    assert told(page).startswith("Channel 5 in block 0")
    heat.hover(position={"x": heat.bounding_box()["width"] - 3, "y": 3})
    assert told(page).startswith(f"Channel {WIDTH - 1} in block 0")  # pointed at, not chosen
    assert page.get_by_label("Channel", exact=True).input_value() == "5"
    before = look(page, ".fc-looks")
    page.locator(".fc-tile").nth(1).click()
    assert differ(look(page, ".fc-looks"), before)
    before = look(page, ".fc-pane")
    page.locator(".fc-strip").click(position={"x": 4, "y": 4})
    assert differ(look(page, ".fc-pane"), before)
    assert page.get_by_label("Denoising step").input_value() == "0"
    assert errors == []


def test_every_part_by_keyboard(opened):
    page, errors = opened()
    heat = page.locator(".fc-heat")
    heat.focus()
    for key, wanted in (
        ("ArrowLeft", f"Channel {PEAK - 1} in block 1"),
        ("ArrowUp", f"Channel {PEAK - 1} in block 0"),
        ("Home", "Channel 0 in block 0"),
        ("Shift+ArrowRight", "Channel 10 in block 0"),
    ):
        page.keyboard.press(key)
        assert told(page).startswith(wanted)
    page.wait_for_timeout(600)
    assert page.locator("p.fc-sr[aria-live]").text_content().startswith("Channel 10, block 0, step 3: ")
    assert "Channel 10 in block 0" in heat.get_attribute("aria-label")
    rank = page.locator(".fc-row input").first
    rank.focus()
    page.keyboard.press("ArrowDown")
    second = page.locator(".fc-row .fc-number").nth(1).text_content()
    assert told(page).startswith(f"Channel {second} ")
    reached = page.evaluate("""() => [...document.querySelectorAll('.fc-widget :is(button, input, select, a)')]
        .filter(e => e.checkVisibility() && !e.disabled && e.tabIndex < 0).map(e => e.outerHTML.slice(0, 80))""")
    assert reached == []
    page.locator(".fc-heat").press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    assert errors == []


def test_a_channel_is_found_pinned_and_followed(opened):
    page, errors = opened()
    field = page.get_by_label("Channel", exact=True)
    field.fill("3")
    assert told(page).startswith("Channel 3 in block 1")
    field.fill("999")
    assert page.get_by_text(f"Channels run from 0 to {WIDTH - 1}.").is_visible()
    field.blur()
    page.get_by_role("button", name="Largest here").click()
    assert told(page).startswith(f"Channel {PEAK} ")
    page.get_by_role("button", name="Its peak").click()
    settle(page)
    assert told(page).startswith(f"Channel {PEAK} in block 1: |mean| 85")
    assert page.get_by_label("Denoising step").input_value() == "3"
    page.get_by_role("button", name="Its peak").click()
    assert page.locator(".fc-pick .fc-bubble").last.text_content() == f"Channel {PEAK} is at its peak here."
    page.get_by_role("button", name="Pin", exact=True).click()
    field.fill("2")
    settle(page)
    assert page.locator(".fc-pins li").all_text_contents() == ["2", f"{PEAK}×", "mean of all"]
    assert page.locator(".fc-followed:not([hidden])").count() == 2
    page.locator(".fc-pinname", has_text=str(PEAK)).click()
    assert told(page).startswith(f"Channel {PEAK} ")
    choose(page, "Marked channels", "pins")
    assert page.locator(".fc-rug i").count() == 1
    page.get_by_role("button", name=f"Unpin channel {PEAK}").click()
    settle(page)
    assert page.locator(".fc-rug i").count() == 0
    assert errors == []


def test_marked_sets_and_what_lies_over_the_picture(opened):
    page, errors = opened()
    page.get_by_label("k", exact=True).fill("3")
    settle(page)
    assert page.locator(".fc-rug i").count() == 3
    page.get_by_role("button", name="Raise k").click()
    settle(page)
    assert page.locator(".fc-rug i").count() == 4
    before = look(page, ".fc-under")
    choose(page, "Marked channels", "random")
    assert differ(look(page, ".fc-under"), before)
    before = look(page, ".fc-under")
    page.get_by_role("button", name="Raise Draw").click()
    assert differ(look(page, ".fc-under"), before)
    choose(page, "Marked channels", "set:top")
    assert page.locator(".fc-tile").locator("visible=true").count() == 4
    assert page.locator(".fc-mask .fc-caption").text_content() == "The subject they give: 19 %"
    seen = [look(page, ".fc-looks")]
    for over in ("mask", "none"):
        choose(page, "Over the picture", over)
        seen.append(look(page, ".fc-looks"))
    choose(page, "Picture", "zero top 4")
    seen.append(look(page, ".fc-looks"))
    assert all_differ(seen)
    page.get_by_label("Denoising step").press("End")  # where one block towers above the others
    seen = []
    for scale in ("log", "linear", "block"):
        choose(page, "Colours", scale)
        seen.append(look(page, ".fc-heat"))
    assert all_differ(seen)
    choose(page, "Score", "energy")
    assert "mean x²" in told(page)
    page.get_by_text("Mean over all prompts").click()
    settle(page)
    assert page.get_by_text("Choose one prompt to see token maps.").is_visible()
    assert errors == []


@pytest.mark.parametrize("by", ["prompt", "step", "layer", "set", "cond", "all"])
def test_two_views_differ_in_what_is_compared(opened, by):
    page, errors = opened()
    page.get_by_text("Compare two").click()
    settle(page)
    choose(page, "The two differ in", by)
    panes = page.locator(".fc-pane")
    assert [panes.nth(i).is_visible() for i in (0, 1)] == [True, True]
    first, second = (pixels(panes.nth(i)) for i in (0, 1))
    if by != "all":
        assert differ(first, second)
    shared = page.locator(".fc-scope").first.get_by_label("Block (depth)")
    if by in ("layer", "all"):
        own = panes.nth(1).get_by_label("Block (depth)")
        before = told(page, 0)
        own.press("Home")
        assert "in block 0" in told(page, 1)
        assert told(page, 0) == before
        assert not shared.is_visible()
    else:
        shared.press("Home")
        assert "in block 0" in told(page, 0)
        assert "in block 0" in told(page, 1)
    assert page.get_by_text("Marked in both:").is_visible()
    page.get_by_text("One view").click()
    settle(page)
    assert not panes.nth(1).is_visible()
    assert errors == []


def test_a_link_restores_everything(opened):
    page, errors = opened()
    page.get_by_text("Compare two").click()
    settle(page)
    choose(page, "The two differ in", "set")
    choose(page, "Marked channels", "bottom", nth=1)
    choose(page, "Colours", "linear")
    choose(page, "Over the picture", "mask")
    page.locator(".fc-scope").first.get_by_label("Block (depth)").press("End")
    page.get_by_role("button", name="Pin", exact=True).first.click()
    page.get_by_role("button", name="Copy link").click()
    settle(page)
    page.mouse.move(0, 0)
    fragment = page.evaluate("location.hash")
    again, more = opened(fragment=fragment)
    for selector in (".fc-panes", ".fc-scope"):
        assert state_of(again, selector) == state_of(page, selector)
    again.evaluate("location.hash = '#fc=explorer;prompt.1;layer.0;channel.7'")
    assert told(again).startswith("Channel 7 in block 0")
    nonsense, even_more = opened(
        fragment="#fc=explorer;run.9;prompt.x;score.__proto__;set.set%3Ano;pins.1-1-x-99;two.1"
    )
    assert told(nonsense).startswith(f"Channel {PEAK} ")
    assert nonsense.get_by_text("This link shows a run file that is not in the page").is_visible()
    assert errors + more + even_more == []


def test_picture_and_channels_are_saved(opened, tmp_path):
    page, errors = opened(fragment="#fc=explorer;two.1;by.prompt")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as PNG").click()
    saved.value.save_as(tmp_path / "view.png")
    picture = np.asarray(Image.open(tmp_path / "view.png").convert("RGB"))
    assert picture.shape[1] > 1800  # two views
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 500
    for pane in (picture[:, :900], picture[:, 924:]):
        assert (pane != 255).any(axis=2).mean() > 0.3
    with page.expect_download() as saved:
        page.get_by_role("button", name="Channels as JSON").click()
    saved.value.save_as(tmp_path / "channels.json")
    found = ChannelSet.from_json((tmp_path / "channels.json").read_text(encoding="utf-8"))
    mean = np.abs(made_run().stats["mean"])[0, :, 2]
    assert found.indices[1].tolist() == np.argsort(-mean[1])[:4].tolist()
    assert (found.sizes, found.width, found.label) == ((4, 4, 4), WIDTH, "top 4 by abs_mean, prompt 1, step 3")
    assert errors == []


def drop(page, path) -> None:
    """Drop a file on the explorer as a hand would: enter, over, drop."""
    given = base64.b64encode(path.read_bytes()).decode("ascii")
    page.evaluate(
        """([text, name]) => {
            const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([bytes], name));
            for (const type of ['dragenter', 'dragover', 'drop']) {
                const event = new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer });
                document.querySelector('.fc-pane').dispatchEvent(event);
            }
        }""",
        [given, path.name],
    )


def said(page) -> str:
    """What the drop zone says in the end."""
    page.wait_for_function("""() => {
        const text = document.querySelector('.fc-drop .fc-status').textContent;
        return text && !text.startsWith('Reading');
    }""")
    settle(page)
    return page.locator(".fc-drop .fc-status").text_content()


def test_a_run_file_is_dropped_and_compared(opened, files):
    page, errors = opened()
    drop(page, files[1])
    assert said(page) == "good.safetensors: 5 blocks of 40 channels, 4 steps, 3 prompts."
    assert told(page).startswith(f"Channel {PEAK} in block 1: |mean| 30")
    run = load_run(files[1])
    facts = page.locator(".fc-facts dd").all_text_contents()
    energy = (run.stats["mean"] ** 2 + run.stats["var"])[0, 1, 2]
    top = np.argsort(-np.abs(run.stats["mean"][0, 1, 2]))[:4]
    assert facts[3] == f"{100 * energy[top].sum() / energy.sum():.0f} %"
    page.get_by_text("Compare two").click()
    settle(page)
    choose(page, "The two differ in", "run")
    assert told(page, 1).startswith(f"Channel {PEAK} in block 1")  # as deep in three blocks as 1 is in five
    page.get_by_role("button", name="Copy link").click()
    settle(page)
    fragment = page.evaluate("location.hash")
    again, more = opened(fragment=fragment)
    assert again.get_by_text("This link shows a run file that is not in the page").is_visible()
    again.locator(".fc-drop input").set_input_files(files[1])
    assert said(again).startswith("good.safetensors")
    assert [told(again, i) for i in (0, 1)] == [told(page, i) for i in (0, 1)]
    assert errors + more == []


def test_bad_files_end_in_a_message_with_the_page_alive(opened, files, tmp_path):
    page, errors = opened()
    silent = {}
    for number, (name, path) in enumerate(write_bad_files(tmp_path, files[1].read_bytes()).items()):
        page.evaluate("document.querySelector('.fc-drop .fc-status').textContent = ''")
        page.locator(".fc-drop input").set_input_files(path)
        text = said(page)
        before = told(page)
        page.locator(".fc-heat").press("ArrowLeft" if number % 2 else "ArrowRight")
        if not text.startswith(f"{path.name} could not be opened. ") or len(text) < 60 or told(page) == before:
            silent[name] = text
    assert silent == {}
    assert page.locator(".fc-drop .fc-status").get_attribute("aria-live") == "polite"
    drop(page, files[1])  # and a good one still opens
    assert said(page).startswith("good.safetensors: 5 blocks")
    assert errors == []


def test_texts_of_a_file_are_shown_as_text(opened, files, tmp_path):
    page, errors = opened()
    drop(page, write_hostile(tmp_path / "hostile.safetensors", files[1].read_bytes()))
    assert said(page).startswith("hostile.safetensors: 5 blocks")
    assert page.evaluate("window.hacked") is None
    assert page.locator(".fc-chips .fc-prompt").first.text_content() == HOSTILE
    assert HOSTILE in page.locator(".fc-origin").text_content()
    assert page.locator(".fc-widget :is(img, script)").count() == 0
    assert errors == []


@pytest.mark.parametrize(
    ("width", "theme", "fragment"),
    [
        (1280, "light", ""),
        (1280, "dark", "#fc=explorer;two.1;by.all"),
        (390, "dark", ""),
        (390, "light", "#fc=explorer;two.1;by.step"),
    ],
)
def test_themes_widths_and_axe(opened, width, theme, fragment):
    from axe_playwright_python.sync_playwright import Axe

    page, errors = opened(width, theme, fragment, touch=width < 500)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    found = [v for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == []
    tops = [pane.bounding_box()["y"] for pane in page.locator(".fc-pane").all() if pane.is_visible()]
    assert len(set(tops)) == (2 if fragment and width < 500 else 1)  # stacked on a phone, side by side else
    ground = "e => getComputedStyle(e).backgroundColor"
    assert (page.locator(".fc-widget").evaluate(ground) != "rgb(255, 255, 255)") == (theme == "dark")
    if width < 500:
        before = told(page)
        page.locator(".fc-heat").first.tap(position={"x": 20, "y": 10})
        assert told(page) != before
    assert errors == []


def test_nothing_jumps_while_values_change(opened):
    page, _ = opened()
    places = """() => [...document.querySelectorAll('.fc-widget :is(button, input, select, canvas, svg, .fc-frame)')]
        .filter(e => e.checkVisibility() && !e.closest('.fc-pins, .fc-small, .fc-frame *')).map(e => {
            const box = e.getBoundingClientRect();
            return [box.left, box.top + scrollY, box.width].map(Math.round).join(' ');
        })"""
    before = page.evaluate(places)
    for label, keys in (("Block (depth)", ["Home", "End"]), ("Denoising step", ["Home", "End"])):
        for key in keys:
            page.get_by_label(label).press(key)
            settle(page)
            assert page.evaluate(places) == before
    page.get_by_label("Channel", exact=True).fill("3")
    settle(page)
    assert page.evaluate(places) == before


FLUX = {"prompts": 1, "layers": 57, "steps": 4, "width": 3072, "grid": (32, 32), "k": 8}


def test_a_large_run_is_dragged_and_shows_where_it_was_left(opened, tmp_path):
    """Forty changes of 57 blocks by 3,072 channels, one a frame, and the last one stands (their cost: bench/)."""
    path = save_run(tmp_path / "large.safetensors", made_run(**FLUX))
    page, errors = opened()
    page.locator(".fc-drop input").set_input_files(path)
    assert said(page) == "large.safetensors: 57 blocks of 3072 channels, 4 steps, 1 prompt."
    page.evaluate("""async () => {
        const input = document.querySelectorAll('.fc-scope .fc-slider input')[0];
        for (let i = 0; i < 40; i++) {
            input.value = i;
            input.dispatchEvent(new Event('input', { bubbles: true }));
            await new Promise(requestAnimationFrame);
        }
    }""")
    settle(page)
    assert "in block 39" in told(page)
    assert errors == []


def test_every_link_of_the_page_leads_to_its_view(open_page, site, address):
    """The site's own explorer: what a link names is what the controls then show."""
    if not (site / "book" / "explorer.html").exists():
        pytest.skip("this site has no page of the explorer: run `make book`")
    page, watch = open_page(f"{address}/book/explorer.html")
    page.wait_for_selector("[data-fc-ready]")
    links = page.locator("article a[href^='#fc=']")
    assert links.count() >= 3
    for link in links.all():
        link.click()
        settle(page)
        wanted = dict(part.split(".", 1) for part in unquote(link.get_attribute("href")).split(";")[1:])
        visible = {name: page.get_by_label(label, exact=True).locator("visible=true").all() for name, label in LABELS}
        for name, value in wanted.items():
            field, second = name.removesuffix("2"), name.endswith("2")
            if field in visible:
                assert visible[field][-1 if second else 0].input_value() == value, (name, value)
        assert page.locator(".fc-pane").count() == 1 + int(wanted["two"])
        assert page.locator(".fc-status.fc-bad:not(:empty)").count() == 0
    page.close()
    assert watch.errors == []
    assert watch.foreign == []

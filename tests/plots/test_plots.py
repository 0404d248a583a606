"""Figures draw what they are given, in the book's colours, and refuse what they cannot draw."""

import base64
import html
import io
import json
import re
import warnings
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import PIL.Image
import pytest
from fewchannels import plots
from fewchannels.plots import fonts, page
from fewchannels.plots.style import STYLE

L, T, D = 6, 16, 192
PHONE = 380  # CSS pixels that a figure has on a page of 390 (fewchannels.css)


@pytest.fixture(scope="module")
def scores():
    """[L, D], positive, with channel 17 far above the rest."""
    drawn = np.random.default_rng(0).lognormal(size=(L, D))
    drawn[:, 17] = 80
    return drawn


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(0, 256, (48, 48, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def maps():
    return np.random.default_rng(1).standard_normal((5, 12, 12)) + 100


def rendered(figure):
    """uint8 [H, W, 3]: proof that it can be drawn, at the size of a phone's column."""
    figure.set_dpi(PHONE / figure.get_size_inches()[0])
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def overhang(figure):
    """Inches by which anything drawn sticks out of the figure."""
    box, (width, height) = figure.get_tightbbox(figure.canvas.get_renderer()), figure.get_size_inches()
    return max(-box.x0, -box.y0, box.x1 - width, box.y1 - height)


@pytest.fixture(scope="module")
def all_figures(scores, image, maps):
    four = np.stack([image] * 4)
    measures = {"top 8": (scores[:, 0], scores[:, 0] * 0.9, scores[:, 0] * 1.1), "random 8": scores[:, 1]}
    return {
        "scores_by_rank": plots.scores_by_rank(scores[0], k=8, title="Block 0"),
        "depth_heatmap": plots.depth_heatmap(scores, [f"transformer_blocks.{i}" for i in range(L)], mark=[17, 60]),
        "concentration_by_depth": plots.concentration_by_depth(measures, chance=8 / D),
        "overlap_matrix": plots.overlap_matrix(np.eye(4) * 0.5 + 0.5, list("abcd"), chance=0.01, axis="prompt"),
        "score_disagreement": plots.score_disagreement(scores[0] * 0.5, scores[0][::-1] + scores[0]),
        "growth_over_steps": plots.growth_over_steps(scores[:1] * np.arange(1, T + 1)[:, None], [17, 3]),
        "images_grid": plots.images_grid(
            np.stack([image] * 5), ["a huge yellow heart at the top on a dotted purple and white background"] * 5
        ),
        "channel_maps": plots.channel_maps(image, maps, [17, 1, 2, 3, 4], title="Block 0, last step"),
        "skyline": plots.skyline(scores, [[17, 60]] * L, [f"transformer_blocks.{i}" for i in range(L)]),
        "growth_over_training": plots.growth_over_training(
            np.array([0, 1000, 4000, 16000]), np.abs(scores[:4, :L]), [f"transformer_blocks.{i}" for i in range(L)]
        ),
        "images_rows": plots.images_rows({"as it is": four, "8 largest\nat zero": four}),
        "map_rows": plots.map_rows(four[:2], np.stack([maps[:3]] * 2), columns=["step 1", "step 8", "step 16"]),
        "claim_rows": plots.claim_rows(
            four[:2],
            maps[:2],
            maps[:2] > 100,
            four[:2],
            names=["the picture", "eight channels", "their mask", "without them"],
        ),
        "dots": plots.dots({"zero": {"top": (0.5, 0.4, 0.6), "energy-matched": 0.3}}, "change", lines={"chance": 0.2}),
        "lines": plots.lines({"one": (np.arange(1, 4), np.arange(3)), "b": ([0.5], [1], [0], [2])}, "rank", "share"),
        "curves": plots.curves([1, 2, 4], {"top": np.arange(3), "bottom": np.ones(3)}, "k", "change", log_x=True),
        "frontier": plots.frontier({"top": [(0.1, 0.9), (0.5, 0.6)]}, "adopted", "kept", {"top": ["k 1", "k 8"]}),
        "before_after": plots.before_after({"a": [(0.2, 0.1, 0.4), (0.6, 0.4, 0.8)]}, "share", ("chance", 0.2)),
        "replicates": plots.replicates(
            {"at equal images": {"the recipe": [20, 30], "another": [4, 5]}, "at equal loss": {"another": [6]}},
            "largest over median",
            levels={"massive": 5},
            log=True,
        ),
        "expected_obtained": plots.expected_obtained(scores[:3], scores[:3] + 1, ("block", "channel")),
        "number_line": plots.number_line(0.2, 0.25),
        "chosen": plots.chosen({"a": 3.0, "b": 1.0, "c": 2.0}, "b", "a", "how much"),
        "twins": plots.twins([0, 1, 3], [2, 3, 4], [2, 2, 3], ("from all channels", "twins"), "held", "change"),
        "table_of_numbers": plots.table_of_numbers(scores[:3, :3], ["early", "middle", "late"], list("abc"), "change"),
        "panels_of_numbers": plots.panels_of_numbers(
            {"top": np.eye(3), "bottom": np.eye(3)}, list("abc"), list("xyz"), "noise level", "block"
        ),
    }


def test_every_figure_is_tested(all_figures):
    others = {"use_style", "coloured", "outlined", "mask_views", "block_diagram"}  # these plot no array
    drawn = {name for name in plots.__all__ if name.islower() and "explore" not in name} - others
    assert drawn == set(all_figures)


def test_figures_have_ink_and_nothing_falls_off_the_edge(all_figures):
    for name, figure in all_figures.items():
        pixels = rendered(figure)
        assert 0.01 < (pixels < 250).any(axis=-1).mean() < 0.99, name
        assert overhang(figure) < 0.03, name


def test_type_is_readable_on_a_phone(all_figures):
    for name, figure in all_figures.items():
        rendered(figure)  # which writes the numbers on the axes
        pixels_a_point = PHONE / figure.get_size_inches()[0] / 72
        smallest = min(t.get_fontsize() for t in figure.findobj(matplotlib.text.Text) if t.get_text())
        assert smallest * pixels_a_point >= 9, name


BILLS = r"$\frac$ a $5 bill_1 and a \$6 one $"  # as a formula it is none, and raises when it is drawn


def with_words(words, scores, image, maps) -> dict:
    """A figure for every argument that takes the caller's words."""
    four, three = np.stack([image] * 4), [words, "b", "c"]
    return {
        "titles": plots.images_grid(four, [words] * 4),
        "names": plots.images_rows({words: four, "b": four}, [words] * 4),
        "columns": plots.map_rows(four[:1], maps[None, :3], three),
        "four": plots.claim_rows(four[:2], maps[:2], maps[:2] > 100, four[:2], [words, *"bcd"]),
        "suptitle": plots.channel_maps(image, maps[:1], [1], title=words),
        "matrix": plots.overlap_matrix(np.eye(3), three, title=words, axis=words),
        "measures": plots.concentration_by_depth(
            {words: scores[:, 0], "b": scores[:, 1]}, chance=1, chance_label=words
        ),
        "depth": plots.depth_heatmap(scores, [f"{words}.{i}" for i in range(L)], title=words, label=words),
        "rank": plots.scores_by_rank(scores[0], title=words, ylabel=words),
        "dots": plots.dots({words: {words: 1, "b": 2}}, words, lines={words: 1}, title=words),
        "curves": plots.curves(three, {words: np.arange(3), "b": np.ones(3)}, words, words, {words: 1}, title=words),
        "frontier": plots.frontier({words: [(0.1, 0.9)]}, words, words, {words: [words]}, title=words),
        "numbers": plots.table_of_numbers(scores[:3, :3], three, three, words, words, words, title=words),
        "panels": plots.panels_of_numbers({words: np.eye(3)}, three, three, words, words),
        "lines": plots.lines({words: ([1, 2], [1, 2])}, words, words, {words: 1}),
    }


def test_a_dollar_in_the_callers_words_is_a_dollar(scores, image, maps):
    with matplotlib.rc_context({"text.usetex": True}):  # even of who has all of it set by TeX
        figures = with_words(BILLS, scores, image, maps)
    for name, figure in figures.items():
        rendered(figure)
        said = [text for text in figure.findobj(matplotlib.text.Text) if "bill_1" in text.get_text()]
        assert said, name
        assert not any(text.get_parse_math() or text.get_usetex() for text in said), name
        assert {" ".join(text.get_text().split()).removesuffix(".0") for text in said} == {BILLS}, name
    assert matplotlib.rcParams["text.parse_math"], "a reader's own figures have formulas"


def test_numbers_on_the_axes_are_no_formulas_either(all_figures):
    figures = dict(all_figures, dose=plots.curves(np.geomspace(1, 1e5, 20), {"a": np.arange(20)}, "k", "x", log_x=True))
    for name, figure in figures.items():
        rendered(figure)
        for axes in figure.axes:
            said = [label.get_text() for label in [*axes.get_xticklabels("both"), *axes.get_yticklabels("both")]]
            assert not [label for label in said if "$" in label], name


@pytest.fixture
def font_with():
    """font_with(path, name, letters): a font file in which these letters, and no others, are solid squares."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    def build(path, name, letters):
        pen = TTGlyphPen(None)
        pen.moveTo((0, 0))
        for corner in ((0, 1000), (1000, 1000), (1000, 0)):
            pen.lineTo(corner)
        pen.closePath()
        glyphs = [".notdef", *(f"u{ord(letter):04X}" for letter in letters)]
        builder = FontBuilder(1000)
        builder.setupGlyphOrder(glyphs)
        builder.setupCharacterMap({ord(letter): f"u{ord(letter):04X}" for letter in letters})
        builder.setupGlyf(dict.fromkeys(glyphs, pen.glyph()))
        builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (1000, 0)))
        builder.setupHorizontalHeader(ascent=1000, descent=0)
        builder.setupNameTable({"familyName": name, "styleName": "Regular"})
        builder.setupOS2()
        builder.setupPost()
        builder.save(path)

    return build


def missing_letters(draw) -> list[str]:
    """What matplotlib says of letters for which it has drawn boxes."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        draw()
    return [str(w.message) for w in said if "missing from" in str(w.message)]


def test_letters_that_the_books_font_lacks_come_from_an_installed_one(
    scores, image, maps, font_with, tmp_path, monkeypatch
):
    """Letters of Linear A, which no usual font has: what a Chinese prompt is to who has no font for it."""
    letters, others = "\U00010600\U00010601", "\U00010602"
    words = f"a fox {letters}{others}"
    assert missing_letters(lambda: rendered(plots.images_grid(image[None], [words])))
    manager = matplotlib.font_manager.fontManager
    monkeypatch.setattr(manager, "ttflist", list(manager.ttflist))
    font_with(tmp_path / "known.ttf", "Known Letters", letters)
    manager.addfont(tmp_path / "known.ttf")
    (tmp_path / "new").mkdir()  # installed after matplotlib has made its list
    font_with(tmp_path / "new" / "new.ttf", "New Letters", others)
    monkeypatch.setattr(matplotlib.font_manager, "X11FontDirectories", [str(tmp_path / "new")])
    for name, figure in with_words(words, scores, image, maps).items():
        assert missing_letters(lambda figure=figure: rendered(figure)) == [], name
    own = matplotlib.figure.Figure()  # a reader's own, when it is shown
    own.suptitle(words)
    assert missing_letters(lambda: page.static_figure(own, "x")) == []
    assert own.findobj(matplotlib.text.Text)[0].get_fontfamily()[-2:] == ["Known Letters", "New Letters"]
    plain = plots.images_grid(image[None], ["a fox, café, 5 µm"]).axes[0].title
    assert plain.get_fontfamily() == ["DejaVu Sans"]
    fonts._families.cache_clear()


@pytest.mark.parametrize("columns", [1, 2, 4, 8])
def test_words_without_spaces_stay_above_their_picture(image, columns):
    title = "一只红色的狐狸在雪地里奔跑旁边有一棵很高的树和一座红色的小房子"
    figure = plots.images_grid(np.stack([image] * columns), [title] * columns, columns)
    lines = figure.axes[0].get_title().split("\n")
    assert "".join(lines) == title
    assert all(2 * len(line) <= max(8, 64 // columns) for line in lines)


def test_the_callers_style_is_left_alone(scores):
    with matplotlib.rc_context({"font.size": 21, "axes.facecolor": "red"}):
        figure = plots.scores_by_rank(scores[0])
        assert matplotlib.rcParams["font.size"] == 21
        assert figure.axes[0].get_facecolor() == (1, 1, 1, 1)
    with matplotlib.rc_context():
        plots.use_style()
        assert matplotlib.rcParams["font.size"] == STYLE["font.size"]


def test_the_top_channels_are_the_top_ones(scores):
    figure = plots.scores_by_rank(scores[2], k=3)
    top = next(line for line in figure.axes[0].lines if line.get_label() == "top 3")
    assert top.get_ydata().tolist() == sorted(scores[2])[::-1][:3]
    assert matplotlib.colors.to_hex(top.get_color()).upper() == plots.PALETTE["top"]
    numbers = [t.get_text() for t in figure.axes[0].texts]
    assert "17" in numbers


def test_a_lone_bright_channel_survives_a_wide_model():
    scores = np.ones((3, 3072))
    scores[:, 1500] = 1000
    drawn = plots.depth_heatmap(scores).axes[0].images[0].get_array()
    assert drawn[0, 1500] == 1000
    assert 9 <= (drawn[0] == 1000).sum() <= 21  # wide enough to fill a pixel, and no wider than two


def drawn_bars(axis) -> tuple[np.ndarray, dict[int, float]]:
    """Heights of a skyline's row: of all bars that are not in colour, and by channel of those that are."""
    grey = next(patch for patch in axis.patches if isinstance(patch, matplotlib.patches.StepPatch))
    few = [patch for patch in axis.patches if isinstance(patch, matplotlib.patches.Rectangle)]
    assert {matplotlib.colors.to_hex(patch.get_facecolor()).upper() for patch in few} <= {plots.PALETTE["top"]}
    return grey.get_data().values[::2], {round(p.get_x() + p.get_width() / 2): p.get_height() for p in few}


def test_a_skyline_has_every_channel_in_multiples_of_its_blocks_median(scores):
    figure = plots.skyline(scores, [[17, 60], *[[17]] * (L - 1)], [f"blocks.{i}" for i in range(L)])
    assert len(figure.axes) == L
    for block, axis in enumerate(figure.axes):
        grey, few = drawn_bars(axis)
        tall = np.sqrt(scores[block] / np.median(scores[block]))
        assert set(few) == ({17, 60} if block == 0 else {17})
        for channel, height in few.items():
            assert height == pytest.approx(tall[channel])
            tall[channel] = 0
        np.testing.assert_allclose(grey, tall)
        assert [text.get_text() for text in axis.texts] == ["17"]
        assert axis.get_ylabel() == f"block {block}"
        (at,), (level,) = axis.get_yticks(), axis.get_yticklabels()
        assert at**2 == pytest.approx(float(level.get_text().removesuffix(" ×")))
        assert 0.3 < at / axis.get_ylim()[1] < 1
    by_mask = plots.skyline(scores, scores == 80)
    assert all(set(drawn_bars(axis)[1]) == {17} for axis in by_mask.axes)


def test_a_skyline_of_a_large_model_keeps_its_towers_and_stays_short():
    scores = np.ones((57, 3072))
    scores[:, 1500], scores[:, 9] = 1000, 200
    figure = plots.skyline(scores, [[1500]] * 57)
    assert [axis.get_ylabel() for axis in figure.axes][:: len(figure.axes) - 1] == ["block 0", "block 56"]
    assert figure.get_size_inches()[1] < 8
    grey, few = drawn_bars(figure.axes[3])
    assert few == {1500: pytest.approx(1000**0.5)}
    assert len(grey) <= 256
    assert sorted(set(grey)) == pytest.approx([1, 200**0.5])
    rendered(plots.skyline(np.zeros((1, 4))))


def test_disagreement_counts_who_ranks_what():
    abs_mean, mean_abs = np.array([9.0, 8, 1, 1, 1]), np.array([9.0, 2, 8, 1.5, 1.5])
    labels = [line.get_label() for line in plots.score_disagreement(abs_mean, mean_abs, k=2).axes[0].lines]
    assert {"in both tops (1)", "only in abs of mean (1)", "only in mean of abs (1)", "in neither top (2)"} <= set(
        labels
    )


def test_zero_scores_and_constant_maps_can_be_drawn(image):
    scores = np.zeros((2, 10))
    scores[0, 1] = 1
    for figure in (
        plots.depth_heatmap(scores),
        plots.scores_by_rank(scores[0], k=2),
        plots.channel_maps(image, np.ones((1, 3, 5)), [4]),
        plots.claim_rows(image[None], np.zeros((1, 3, 5)), np.zeros((1, 3, 5), bool), image[None], list("abcd")),
    ):
        rendered(figure)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: plots.scores_by_rank(np.ones((2, 3))), r"scores of shape \(2, 3\): expected \[D\]"),
        (lambda: plots.scores_by_rank(np.ones(3), k=4), "k=4: expected 1 to 3"),
        (lambda: plots.depth_heatmap(np.ones(3)), r"expected \[L, D\]"),
        (lambda: plots.depth_heatmap(np.ones((2, 3)), ["a"]), "1 layer names for 2 layers"),
        (lambda: plots.skyline(np.ones(3)), r"expected \[L, D\]"),
        (lambda: plots.skyline(-np.ones((2, 3))), "scores from -1"),
        (lambda: plots.skyline(np.ones((2, 3)), [[1]]), "highlight of 1 blocks for scores of 2"),
        (lambda: plots.skyline(np.ones((2, 3)), [[1], [3]]), "block 1: channels"),
        (lambda: plots.concentration_by_depth({}), "empty"),
        (lambda: plots.overlap_matrix(np.ones((2, 3))), r"expected \[n, n\]"),
        (lambda: plots.growth_over_steps(np.ones((2, 3)), [3]), "expected some of 0 to 2"),
        (lambda: plots.images_grid(np.ones((1, 4, 4, 3))), r"expected uint8 \[n, H, W, 3\]"),
        (lambda: plots.explore_depth_heatmap(np.ones((2, 3)), ["a"]), "1 layer names"),
    ],
)
def test_wrong_shapes_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_plotly_figures_are_light_and_name_the_channel(scores):
    heatmap = plots.explore_depth_heatmap(scores)
    assert heatmap.data[0].customdata[3, 17].tolist() == [80, 1]  # score, rank
    assert np.argmax(heatmap.data[0].z[3]) == 17
    scatter = plots.explore_score_disagreement(scores[0], scores[0] * 2)
    assert sorted(c for trace in scatter.data[1:] for c in trace.customdata) == list(range(D))
    assert len(page.plotly_figure(heatmap, "x")) < 40_000
    assert len(page.plotly_figure(scatter, "x")) < 10_000


def test_a_page_takes_words_as_text_and_never_as_markup(scores):
    evil = '"><script>alert(1)</script><!--<script'
    static = page.static_figure(plots.scores_by_rank(scores[0]), evil, caption=evil)
    assert "<script" not in static
    assert "&lt;script&gt;" in static
    assert 'src="data:image/webp;base64,UklGR' in static
    figure = plots.explore_depth_heatmap(scores, title=evil)
    interactive = page.plotly_figure(figure, evil, caption=evil)
    assert interactive.count("<script") == 2  # the data and the loader
    data = interactive.split('<script type="application/json">')[1].split("</script>")[0]
    assert "<" not in data
    assert html.unescape(json.loads(data)["layout"]["title"]["text"]) == evil
    assert "://" not in interactive  # no address of another host


def test_plotly_takes_words_as_they_stand(scores):
    """Neither a formula, which the page's MathJax would set, nor a tag, nor a field of the template."""
    words = "a $5 fox, a $6 <lora:fox:1> &amp; %{x}"
    figure = plots.explore_depth_heatmap(scores, label=words, title=words)
    bar = figure.data[0].colorbar.title.text
    hover = figure.data[0].hovertemplate.split("<br>")[1].split(" %{customdata[0]")[0]
    for said in (figure.layout.title.text, bar, hover):
        assert html.unescape(said) == words
        assert not set("$<{") & set(said)
    shown = page.page_renderer().to_mimebundle(figure.to_dict())
    assert shown["text/plain"] == words
    assert f'aria-label="{html.escape(words)}"' in shown["text/html"]


@pytest.mark.parametrize(("size", "dots"), [((0.5, 80), page.DOTS), ((0.5, 90), 182), ((500, 0.5), 32)])
def test_a_figure_is_as_long_as_it_needs_to_be(size, dots):
    """At 200 dots an inch WebP holds 81 inches: about 240 pictures, four in a row."""
    figure = matplotlib.figure.Figure(figsize=size)
    figure.add_axes((0, 0, 1, 1)).plot([0, 1])
    with matplotlib.rc_context({"savefig.bbox": "tight", "savefig.pad_inches": 1}):
        text = page.static_figure(figure, "A long line")
    encoded = re.search(r"base64,([^\"]+)", text)[1]
    picture = PIL.Image.open(io.BytesIO(base64.b64decode(encoded)))
    assert picture.size == tuple(int(side * dots) for side in size)


def test_figures_are_light(all_figures):
    for name in ("scores_by_rank", "growth_over_steps"):
        assert len(page.static_figure(all_figures[name], "x")) < 60_000, name


def test_the_drawing_is_of_the_model_that_is_shipped():
    """Its numbers are typed: the model's configuration must say the same."""
    import fewchannels.toyworld

    weights = Path(fewchannels.toyworld.__file__).parent / "weights" / "pipeline"
    config = json.loads((weights / "transformer" / "config.json").read_text(encoding="utf-8"))
    vae = json.loads((weights / "vae" / "config.json").read_text(encoding="utf-8"))
    side, width = config["sample_size"], config["num_attention_heads"] * config["attention_head_dim"]
    pixels = side * 2 ** (len(vae["encoder_block_out_channels"]) - 1)
    root = ElementTree.fromstring(plots.block_diagram().svg)
    words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {
        f"{side} × {side} places",
        f"{side**2} tokens of {width} channels",
        f"{pixels} × {pixels} pixels",
        *map(str, range(config["num_layers"])),
    } <= set(words)
    assert str(config["num_layers"]) not in words
    assert "dual_attention_layers" in config
    assert config["dual_attention_layers"] == []  # one attention a block, as drawn


def test_a_drawing_travels_inside_its_tag_and_can_be_read_on_a_phone():
    drawn = plots.block_diagram()
    text = page.drawing(drawn, 'a "block"', "A caption & more")
    assert base64.b64decode(re.search(r"base64,([^\"]+)", text)[1]).decode() == drawn.svg
    assert 'alt="a &quot;block&quot;"' in text
    assert "<figcaption>A caption &amp; more</figcaption>" in text
    assert "href" not in drawn.svg  # it asks for no other file
    width = float(re.search(r'width="([\d.]+)"', text)[1])
    smallest = min(float(size) for size in re.findall(r'font-size="([\d.]+)"', drawn.svg))
    assert smallest * PHONE / width >= 9

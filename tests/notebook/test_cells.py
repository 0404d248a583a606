"""What a notebook keeps, checks, says and shows: under IPython, in an executed notebook, and in a page made of it."""

import json
import os
import re
import shutil
import subprocess
import sys

import fewchannels
import nbformat
import numpy as np
import pytest
from fewchannels import plots
from fewchannels.metrics import Interval
from fewchannels.notebook import CheckFailed, UnregisteredClaim, cells, check, harvest, keep, show, start, verdict
from fewchannels.notebook.claims import Claim

CLAIMS = """
- id: few-hold-much
  statement: Eight channels hold more than half of the energy.
  direction: share > 0.5
  rule: {above: 0.5}
  falsifier: A share of 0.5 or less in any block.
- id: steady
  statement: The same channels are massive for every prompt.
  direction: overlap > chance
  rule: {above: 0.5, every: block}
  falsifier: An interval that reaches chance.
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A repository with two claims; the session as after start()."""
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "claims.yml").write_text(CLAIMS)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.delenv("FEWCHANNELS_BOOK", raising=False)
    monkeypatch.setattr(cells, "_session", cells._Session())
    return tmp_path


@pytest.fixture
def shown(monkeypatch):
    """What IPython is asked to display: [(data, metadata)]."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    InteractiveShell.instance()

    class Shown(list):
        def __enter__(self):
            self.capture = capture_output(stdout=False, stderr=False)
            self.io = self.capture.__enter__()
            return self

        def __exit__(self, *exc):
            self.extend((o.data, o.metadata) for o in self.io.outputs)
            return self.capture.__exit__(*exc)

    yield Shown()
    InteractiveShell.clear_instance()


def test_keep_emits_the_record_that_prose_glues(shown):
    with shown:
        keep("share", np.float32(0.5), interval=(np.float64(0.25), 0.75))
    names = [meta["scrapbook"]["name"] for _, meta in shown]
    assert names == ["share", "share_low", "share_high"]
    assert shown[0][0] == {"application/papermill.record/text/plain": "0.5"}  # and not np.float32(0.5)
    assert shown[0][1]["fewchannels"]["keep"] == {"name": "share", "value": 0.5, "low": 0.25, "high": 0.75}
    assert all(meta["scrapbook"]["mime_prefix"] == "application/papermill.record/" for _, meta in shown)


@pytest.mark.parametrize("name", ["Share", "top-8", "a b", "", "a:b", 3])
def test_keep_refuses_names_that_prose_cannot_glue(name):
    with pytest.raises(ValueError, match="small letters"):
        keep(name, 1)


@pytest.mark.parametrize(
    ("value", "interval", "error", "words"),
    [
        (float("nan"), None, ValueError, "nan"),
        (np.inf, None, ValueError, "inf"),
        (np.ones(3), None, TypeError, "got ndarray"),
        (None, None, TypeError, "got NoneType"),
        (1, (2, 1), ValueError, "low <= high"),
        (1, (1, 2, 3), ValueError, "low <= high"),
    ],
)
def test_keep_refuses_values_that_no_sentence_can_state(value, interval, error, words):
    with pytest.raises(error, match=words):
        keep("x", value, interval)


def test_keeping_twice_is_an_error_in_the_book_only(monkeypatch):
    keep("x", 1)
    keep("x", 2)  # a person who runs a cell again
    monkeypatch.setenv("FEWCHANNELS_BOOK", "1")
    keep("x", 2)
    with pytest.raises(ValueError, match="use two names"):
        keep("x", 3)
    start()
    keep("x", 3)


def test_a_claim_that_holds_says_so_with_its_numbers(shown):
    with shown:
        assert check("few-hold-much", Interval(0.61, 0.55, 0.66))
    data, metadata = shown[0]
    assert data["text/markdown"].startswith("**Holds here.** Eight channels hold more than half")
    assert "0.61, 95 % interval 0.55 to 0.66" in data["text/markdown"]
    assert metadata["fewchannels"]["check"] == {
        "id": "few-hold-much",
        "holds": True,
        "value": 0.61,
        "low": 0.55,
        "high": 0.66,
        "model": "toyworld",
    }


@pytest.mark.parametrize(
    ("interval", "told"),
    [
        (Interval(0.2, 0.1, 0.3), "**Holds on toyworld.** It is so. (0.2, 95 % interval 0.1 to 0.3)"),
        (Interval(0.2, -0.1, 0.3), "**Does not hold on toyworld.** It is so. (0.2, 95 % interval -0.1 to 0.3)"),
        (Interval(np.nan, np.nan, np.nan), "**Cannot be told on toyworld.** It is so."),
    ],
)
def test_a_claim_of_one_s_own_is_told_and_never_raised(shown, interval, told):
    with shown:
        outcome = verdict(Claim("mine", "It is so.", "up", "An end at 0.", "above", 0.0), interval)
    assert bool(outcome) == told.startswith("**Holds")
    assert shown[0][0]["text/markdown"] == f"{told} *What was to falsify it:* An end at 0."
    assert shown[0][1] == {}  # no claim of the book


def test_a_claim_about_every_block_names_the_one_that_decides(shown):
    with shown:
        decided = check("steady", {0: Interval(0.9, 0.8, 1.0), 1: Interval(0.6, 0.55, 0.7)})
    assert decided
    assert (decided.where, decided.value) == ("block 1", 0.6)
    assert "(block 1: 0.6, 95 % interval 0.55 to 0.7)" in shown[0][0]["text/markdown"]


def test_a_claim_that_fails_stops_the_toy_world_and_nothing_else(shown):
    with pytest.raises(CheckFailed, match=r"few-hold-much.*0\.4.*falsify it: A share of 0\.5 or less"):
        check("few-hold-much", 0.4)
    start("black-forest-labs/FLUX.2-klein-4B")
    with shown:
        assert not check("few-hold-much", 0.4)
    text = shown[0][0]["text/markdown"]
    assert text.startswith("**Does not hold here** (on black-forest-labs/FLUX.2-klein-4B). Eight")


def test_on_another_model_what_is_not_finite_is_told_and_not_kept(shown):
    with pytest.raises(CheckFailed, match="cannot be told on toyworld"):
        check("few-hold-much", np.float64("nan"))
    start("black-forest-labs/FLUX.2-klein-4B")
    with shown:
        keep("x", float("nan"), (np.nan, np.nan))
        assert not check("few-hold-much", Interval(float("nan"), 0.1, np.inf))
    ((data, metadata),) = list(shown)
    assert data["text/markdown"].startswith("**Cannot be told here** (on black-forest-labs/FLUX.2-klein-4B). Eight")
    assert metadata == {}


def test_an_unregistered_claim_is_an_error(folder):
    with pytest.raises(UnregisteredClaim, match=r"'other' is not registered.*few-hold-much, steady"):
        check("other", 1.0)


def test_figures_need_words(shown):
    figure = plots.scores_by_rank(np.arange(1.0, 20), k=2)
    with pytest.raises(ValueError, match="needs alt"):
        show(figure, alt=" ")
    with pytest.raises(TypeError, match="got ndarray"):
        show(np.ones(3), alt="x")
    with shown:
        show(plots.block_diagram(), alt="A block & its stream")
    assert 'alt="A block &amp; its stream" src="data:image/svg' in shown[0][0]["text/html"]
    with shown:
        show(figure, alt="Two <dots> tower", caption="a < b")
    data = shown[-1][0]
    assert 'alt="Two &lt;dots&gt; tower"' in data["text/html"]
    assert "<figcaption>a &lt; b</figcaption>" in data["text/html"]


def test_a_pyplot_figure_is_not_shown_twice():
    import matplotlib.pyplot as plt

    figure = plt.figure()
    figure.add_subplot().plot([1, 2])
    assert figure.number in plt.get_fignums()
    show(figure, alt="A line")
    assert figure.number not in plt.get_fignums()


def test_a_page_and_a_person_get_plotly_each_in_their_way(shown, monkeypatch):
    monkeypatch.setenv("FEWCHANNELS_BOOK", "1")
    import plotly.io as pio

    before = pio.renderers.default
    try:
        start()
        figure = plots.explore_depth_heatmap(np.ones((2, 3)) + np.eye(2, 3), title="By depth")
        with shown:
            show(figure, alt="A heat map")
            figure.show()
        assert [sorted(data) for data, _ in shown] == [["text/html", "text/plain"]] * 2
        assert 'aria-label="A heat map"' in shown[0][0]["text/html"]
        assert 'aria-label="By depth"' in shown[1][0]["text/html"]
    finally:
        pio.renderers.default = before


def test_without_ipython_words_are_printed_and_records_are_not():
    code = "from fewchannels import notebook as n\nn.keep('x', 1)\nn.say('A sentence.')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True)
    assert done.stdout == "A sentence.\n"


WITHOUT_NBFORMAT = """
import sys
sys.modules["nbformat"] = None  # as where only a kernel is installed
import numpy as np
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
InteractiveShell.instance()
from fewchannels import notebook, plots
figure = plots.explore_depth_heatmap(np.ones((2, 3)) + np.eye(2, 3))
with capture_output(stdout=False, stderr=False) as shown:
    notebook.show(figure, alt="A heat map", caption="Seed 0")
    notebook.show(figure, alt="Again")
for output in shown.outputs:
    print(sorted(output.data), output.data.get("text/plain", "plotly's program"))
"""


def test_plotly_is_shown_without_nbformat_and_with_its_words():
    code = [sys.executable, "-c", WITHOUT_NBFORMAT]
    where = environment(PLOTLY_RENDERER="plotly_mimetype+notebook_connected")
    done = subprocess.run(code, capture_output=True, text=True, env=where)
    assert done.returncode == 0, done.stderr
    figure = "['application/vnd.plotly.v1+json', 'text/html', 'text/plain']"
    program, *said = done.stdout.splitlines()
    assert program.endswith("plotly's program"), "once"
    assert said == [f"{figure} A heat map", "['text/html', 'text/plain'] Seed 0", f"{figure} Again"]


IN_A_SCRIPT = """
import sys
import numpy as np
import plotly.io
from plotly.io.base_renderers import ExternalRenderer
class Browser(ExternalRenderer):
    def render(self, figure):
        print("opened", figure["data"][0]["type"])
plotly.io.renderers["a browser"] = Browser()
from fewchannels import notebook, plots
figure = plots.explore_depth_heatmap(np.ones((2, 3)) + np.eye(2, 3))
for renderers in ("", "plotly_mimetype", "plotly_mimetype+a browser"):
    plotly.io.renderers.default = renderers
    notebook.show(figure, alt=f"A heat map by {renderers!r}", caption="Seed 0")
"""


def test_a_script_prints_the_words_of_a_plotly_figure_before_a_browser_is_asked():
    code = [sys.executable, "-c", IN_A_SCRIPT]
    done = subprocess.run(code, capture_output=True, text=True, env=environment(), check=True)
    assert done.stdout.splitlines() == [
        "A heat map by ''",
        "Seed 0",
        "A heat map by 'plotly_mimetype'",
        "Seed 0",
        "A heat map by 'plotly_mimetype+a browser'",
        "opened heatmap",
        "Seed 0",
    ]


def environment(**more):
    library = os.path.dirname(os.path.dirname(fewchannels.__file__))
    return {**os.environ, "PYTHONPATH": library, "OMP_NUM_THREADS": "1", **more}


CELLS = [
    "from fewchannels.notebook import start, keep, check, say, show\nstart('toyworld')",
    "keep('share', 0.6123, interval=(0.55, 0.66))\nkeep('count', 8)\nkeep('name', 'channel five')",
    "check('few-hold-much', (0.6123, 0.55, 0.66))",
    "say(f'Eight channels hold **{0.6123:.0%}** of the energy.')",
    "import numpy as np\nfrom fewchannels import plots\n"
    "show(plots.scores_by_rank(np.arange(1.0, 20)), alt='Nineteen dots', caption='Seed 0', name='dots')",
    "show(plots.explore_depth_heatmap(np.arange(1.0, 13).reshape(3, 4)), alt='Twelve fields')",
]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A notebook of these cells, run as the book's builder runs it."""
    import papermill

    folder = tmp_path_factory.mktemp("source")
    (folder / "book").mkdir()
    (folder / "book" / "claims.yml").write_text(CLAIMS)
    (folder / "notebooks").mkdir()
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# A finding"), *map(nbformat.v4.new_code_cell, CELLS)]
    )
    nbformat.write(book, folder / "in.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(FEWCHANNELS_BOOK="1").items():
            patch.setenv(name, value)
        papermill.execute_notebook(
            folder / "in.ipynb",
            folder / "notebooks" / "finding.ipynb",
            kernel_name="python3",
            language="python",
            cwd=folder / "notebooks",
            progress_bar=False,
            store_widget_state=False,
        )
    return folder


def test_the_builder_harvests_what_was_kept_and_checked(executed):
    found = harvest(executed / "notebooks" / "finding.ipynb")
    assert found["values"] == {
        "share": {"value": 0.6123, "low": 0.55, "high": 0.66},
        "count": {"value": 8, "low": None, "high": None},
        "name": {"value": "channel five", "low": None, "high": None},
    }
    assert found["checks"]["few-hold-much"]["holds"] is True
    assert found["checks"]["few-hold-much"]["model"] == "toyworld"


def test_a_check_at_the_end_of_a_cell_shows_its_sentence_and_no_truth_value(executed):
    cells = json.loads((executed / "notebooks" / "finding.ipynb").read_text())["cells"]
    (cell,) = [cell for cell in cells if "".join(cell["source"]).startswith("check(")]
    assert [output["output_type"] for output in cell["outputs"]] == ["display_data"]
    assert "Holds here" in "".join(cell["outputs"][0]["data"]["text/plain"])


def test_a_name_kept_with_two_values_is_refused_at_the_harvest(executed, tmp_path):
    book = json.loads((executed / "notebooks" / "finding.ipynb").read_text())
    again = json.loads(json.dumps(book["cells"][2]))
    again["outputs"][0]["metadata"]["fewchannels"]["keep"]["value"] = 0.7
    book["cells"].append(again)
    (tmp_path / "twice.ipynb").write_text(json.dumps(book))
    with pytest.raises(ValueError, match=r"keep\('share'\) is there twice"):
        harvest(tmp_path / "twice.ipynb")


def test_the_page_has_words_numbers_and_figures_and_the_build_no_warning(executed):
    (executed / "conf.py").write_text(
        "project = 'x'\nextensions = ['myst_nb']\nnb_execution_mode = 'off'\nhtml_theme = 'basic'\n"
        "exclude_patterns = ['in.ipynb', 'out']\n"
    )
    share, low, high, name, count = (
        f"{{glue:text}}`notebooks/finding.ipynb::{key}`"
        for key in ("share:.2f", "share_low:.2f", "share_high:.2f", "name:s", "count:d")
    )
    (executed / "index.md").write_text(
        "# Index\n\n```{toctree}\nnotebooks/finding\n```\n\n"
        f"They hold {share} ({low} to {high}), the first being {name}, of {count}.\n"
        "\n```{glue:} dots\n:doc: notebooks/finding.ipynb\n```\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", ".", "out"],
        cwd=executed,
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr
    index = re.sub(r"<[^>]+>", "", (executed / "out" / "index.html").read_text())
    assert "They hold 0.61 (0.55 to 0.66), the first being channel five, of 8." in index
    assert '<img alt="Nineteen dots" src="data:image/webp;base64,' in (executed / "out" / "index.html").read_text()
    page = (executed / "out" / "notebooks" / "finding.html").read_text()
    assert "<strong>Holds here.</strong> Eight channels hold more than half of the energy." in page
    assert "hold <strong>61%</strong> of the energy" in page
    assert '<img alt="Nineteen dots" src="data:image/webp;base64,' in page
    assert "<figcaption>Seed 0</figcaption>" in page
    assert 'role="img" aria-label="Twelve fields"' in page
    assert "papermill.record" not in page


@pytest.mark.browser
def test_the_page_draws_its_plotly_figure_from_its_own_copy(executed, browser):
    page_file = executed / "out" / "notebooks" / "finding.html"
    if not page_file.exists():
        test_the_page_has_words_numbers_and_figures_and_the_build_no_warning(executed)
    import plotly

    script = executed / "out" / "_static" / "ext" / "plotly.min.js"
    script.parent.mkdir(exist_ok=True)
    shutil.copy(os.path.join(plotly.__path__[0], "package_data", "plotly.min.js"), script)
    page = browser.new_page(viewport={"width": 390, "height": 800})
    errors, outside = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: outside.append(request.url) if request.url.startswith("http") else None)
    page.set_default_timeout(120_000)
    page.goto(page_file.as_uri(), wait_until="commit")
    page.wait_for_selector(".fc-plotly .heatmaplayer image, .fc-plotly canvas, .fc-plotly .hm")
    assert page.evaluate("document.querySelector('.fc-plotly').getBoundingClientRect().width") <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    script.unlink()
    page.goto(page_file.as_uri() + "?again", wait_until="commit")
    page.wait_for_function("document.querySelector('.fc-plotly')?.textContent.includes('could not be loaded')")
    assert "Twelve fields" in page.inner_text(".fc-plotly")
    page.close()
    assert errors == []
    assert outside == []

"""The project keeps its word: environment files agree, layers hold, addresses match."""

from __future__ import annotations

import ast
import graphlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import contents
import environment
import fewchannels
import links
import pytest
import stripped
import vendor
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LIB = ROOT / "lib" / "fewchannels"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MIB = 2**20

# Lowest first: a package, or a module beside the packages, imports only from the lines before its own.
LAYERS = (
    {"disk", "metrics", "wrapping", "choices", "names", "origins"},
    {"runfile", "scheduler", "identity"},
    {"toyworld"},
    {"layouts"},
    {"models"},
    {"store"},
    {"channels"},
    {"masks"},
    {"watch"},
    {"edits"},
    {"sweep"},
    {"prompts"},
    {"reading"},
    {"instruments"},
    {"measure"},
    {"studies"},
    {"figures"},
    {"layout_checks", "plots", "widgets"},
    {"notebook"},
    {"exercises"},
    {"cli"},
)
# Those that know less than their place would let them: all that each may import of ours.
ALONE = {
    "toyworld": {"disk", "origins"},
    "plots": set(),
    "widgets": {"runfile", "disk", "names"},
    "layout_checks": {"layouts", "watch"},
}
# The scripts that measure the toy world's models look at it through the whole library.
SCRIPTS = {"toyworld/growth.py", "toyworld/judge_card.py", "toyworld/evaluate.py"}


def requirements() -> list[str]:
    extras = PROJECT["optional-dependencies"]
    return [*PROJECT["dependencies"], *extras["book"], *extras["test"]]


def test_environment_yml_names_what_pyproject_names():
    file = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    pip = next(item["pip"] for item in file["dependencies"] if isinstance(item, dict))
    options = [line for line in pip if line.startswith("-")]
    assert sorted(line for line in pip if not line.startswith("-")) == sorted(requirements())
    assert options == ["-c constraints.txt", "-e .[book,test]"]
    python = next(item for item in file["dependencies"] if isinstance(item, str) and item.startswith("python="))
    version = tuple(int(part) for part in python.removeprefix("python=").split("."))
    assert environment.OLDEST <= version <= environment.NEWEST
    assert PROJECT["requires-python"] == ">=" + ".".join(map(str, environment.OLDEST))


def test_constraints_pin_everything_that_is_asked_for():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert all(re.fullmatch(r"[\w.!]+", version) for version in pins.values()), "a pin is a name and a plain version"
    pinned = {canonicalize_name(name): version for name, version in pins.items()}
    for line in requirements():
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        assert name in pinned, f"{requirement.name} is not in constraints.txt: python book/environment.py --freeze"
        assert requirement.specifier.contains(pinned[name]), f"{line} and {name}=={pinned[name]}"


def test_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == fewchannels.__version__
    assert f"## {fewchannels.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_third_party_files_are_the_recorded_ones():
    recorded = vendor.recorded()
    assert {f"book/assets/{name}" for _, _, _, name in vendor.FILES} <= set(recorded)
    assert vendor.check() == 0
    carried = {
        file.relative_to(ROOT).as_posix()
        for file in tracked()
        if {"ext", "fonts"} & set(file.relative_to(ROOT).parts[:-1])
    }
    assert carried <= set(recorded), f"not in THIRD_PARTY.md: {sorted(carried - set(recorded))}"


def test_the_tree_stays_small():
    sizes = {file: file.stat().st_size for file in tracked()}
    assert max(sizes.values()) < 16 * MIB
    assert sum(sizes.values()) < 50 * MIB


def test_no_pickles_and_no_large_outputs_in_the_tree():
    suffixes = {file.suffix for file in tracked()}
    assert not suffixes & {".pkl", ".pickle", ".pt", ".pth", ".bin", ".npy", ".npz", ".ckpt", ".joblib"}


# Layers


def unit_of(file: Path) -> str:
    """The module or package right below fewchannels that a file belongs to."""
    return file.relative_to(LIB).parts[0].removesuffix(".py")


def imported(file: Path) -> set[tuple[str, bool]]:
    """Modules that a file imports, with whether at the top: ("fewchannels.disk", True), ("diffusers", False), ..."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    package = ["fewchannels", *file.relative_to(LIB).parts[:-1]]
    found = set()
    typing = {id(inner) for node in tree.body if isinstance(node, ast.If) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in typing:  # under TYPE_CHECKING: nothing is imported
            continue
        if isinstance(node, ast.Import):
            found |= {(alias.name, id(node) in top) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = [*base, *(node.module.split(".") if node.module else [])]
            for alias in node.names:
                # `from .. import capture` means the module that holds capture.
                home = fewchannels._HOME.get(alias.name, alias.name)
                name = [*base, home] if base in (["fewchannels"], package) and not node.module else base
                found.add((".".join(name), id(node) in top))
    return found


def ours(file: Path) -> set[str]:
    """Units of ours that a file imports, its own apart."""
    names = {tuple(name.split(".")) for name, _ in imported(file)}
    units = {name[1] for name in names if name[0] == "fewchannels" and len(name) > 1}
    return {unit for unit in units if not unit.startswith("__")} - {unit_of(file)}


FILES = sorted(LIB.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(LIB).as_posix())
def test_imports_go_downwards(file):
    unit = unit_of(file)
    if unit.startswith("__") or file.relative_to(LIB).as_posix() in SCRIPTS:
        return
    rank = next((number for number, layer in enumerate(LAYERS) if unit in layer), None)
    assert rank is not None, f"{unit} has no place in LAYERS: give it one"
    allowed = ALONE.get(unit, set().union(*LAYERS[:rank]))
    assert ours(file) <= allowed, f"{unit} may not import {sorted(ours(file) - allowed)}"


@pytest.mark.parametrize("package", sorted({file.parent for file in FILES} - {LIB}), ids=lambda folder: folder.name)
def test_modules_of_a_package_have_an_order(package):
    """No circle, imports inside of functions included."""
    name = f"fewchannels.{package.name}"
    graph = {
        file.stem: {
            module.removeprefix(name + ".").split(".")[0]
            for module, _ in imported(file)
            if module.startswith(name + ".") and file.stem != "__init__"
        }
        for file in package.glob("*.py")
    }
    list(graphlib.TopologicalSorter(graph).static_order())


def test_the_api_page_and_the_package_name_all_units_in_their_order():
    spec = importlib.util.spec_from_file_location("docstrings", ROOT / "book" / "_ext" / "docstrings.py")
    docstrings = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(docstrings)
    rank = {unit: number for number, layer in enumerate(LAYERS) for unit in layer}
    assert sorted(docstrings.ORDER) == sorted(rank) == sorted(fewchannels._modules())
    assert [rank[unit] for unit in docstrings.ORDER] == sorted(rank.values())
    listed = re.findall(r"^    ([a-z_]+(?:, [a-z_]+)*)  ", fewchannels.__doc__, re.MULTILINE)
    assert {unit for line in listed for unit in line.split(", ")} == set(rank)


def test_the_layers_are_read_from_real_imports():
    assert "layouts" in ours(LIB / "watch" / "hooks.py")
    assert ("torch", True) in imported(LIB / "watch" / "hooks.py")
    assert {"diffusers"} <= {name.split(".")[0] for name, top in imported(LIB / "models" / "loading.py") if not top}


def test_only_models_and_the_toy_world_import_diffusers_and_models_does_so_lazily():
    for file in FILES:
        uses = [(name, top) for name, top in imported(file) if name.split(".")[0] == "diffusers"]
        if uses and unit_of(file) != "toyworld":
            assert unit_of(file) == "models", f"{file.relative_to(LIB)} imports diffusers"
            assert not any(top for _, top in uses), "models imports diffusers inside its functions"


def test_the_toy_pipeline_stands_alone():
    """Weights name it by its module path, and people copy it: it imports nothing of ours."""
    assert not [name for name, _ in imported(LIB / "toyworld" / "pipeline.py") if name.startswith("fewchannels")]


def test_plots_and_widgets_see_no_models():
    for file in FILES:
        if unit_of(file) in ("plots", "widgets"):
            heavy = {name.split(".")[0] for name, _ in imported(file)} & {"torch", "diffusers", "transformers"}
            assert not heavy, f"{file.relative_to(LIB)} imports {heavy}"


def test_no_module_bears_the_name_of_a_public_function_and_none_is_a_drawer():
    stems = {file.stem for file in FILES}
    assert not stems & set(fewchannels.__all__)
    assert not stems & {"utils", "util", "helpers", "common", "misc"}
    for file in [*FILES, *(ROOT / "book").glob("*.py"), *(ROOT / "bench").glob("*.py")]:
        length = len(file.read_text(encoding="utf-8").splitlines())
        table = file.name == "checkpoints.py" or file.match("layouts/table.py")  # as ruff sets them
        most = 600 if table else 400
        assert length <= most, f"{file.relative_to(ROOT)} has {length} lines: split it"


def test_every_public_name_is_where_the_map_says():
    for name, module in fewchannels._HOME.items():
        if importlib.util.find_spec(f"fewchannels.{module}") is None:
            pytest.fail(f"{name}: there is no fewchannels.{module}")
        assert getattr(fewchannels, name).__module__.startswith("fewchannels")


def test_importing_the_package_needs_no_torch():
    code = (
        "import sys, fewchannels; dir(fewchannels); print(sorted({'torch', 'diffusers', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


# Notebooks and addresses


NOTEBOOKS = [ROOT / name for name in contents.toc_notebooks()]


def test_every_page_of_the_table_of_contents_is_there():
    pages = contents.toc_pages()
    assert len(pages) > 3
    assert NOTEBOOKS
    assert not [page for page in pages if not (ROOT / page).is_file()]


def test_notebooks_are_stripped(tmp_path):
    assert stripped.dirty(sorted((ROOT / "notebooks").glob("*.ipynb"))) == []
    notebook = json.loads(NOTEBOOKS[0].read_text(encoding="utf-8"))
    notebook["metadata"]["papermill"] = {"duration": 1}
    (tmp_path / "run.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    assert stripped.dirty([tmp_path / "run.ipynb"]) == [tmp_path / "run.ipynb"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_chapter_has_at_most_150_lines_of_code(notebook):
    """Without empty lines, comments, the cell that installs, and the exercises."""
    count = 0
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and "## Exercises" in source:
            break
        if cell["cell_type"] == "code" and "remove-cell" not in cell["metadata"].get("tags", []):
            count += sum(not line.strip().startswith("#") for line in source.splitlines() if line.strip())
    assert 30 < count <= 150


@pytest.mark.parametrize("notebook", [file for file in NOTEBOOKS if file.stem < "9"], ids=lambda file: file.stem)
def test_code_of_a_chapter_fits_the_page(notebook):
    """At most 100 characters a line: as many as the page shows at 1,280 px."""
    wide = []
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        blocks = [source] if cell["cell_type"] == "code" else re.findall(r"```\w*\n(.*?)```", source, re.DOTALL)
        wide += [line for block in blocks for line in block.splitlines() if len(line) > 100]
    assert wide == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda file: file.stem)
def test_notebooks_open_in_colab(notebook):
    """Badge and install cell name this repository and this notebook, and are hidden on the page."""
    address = links.declared()
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    hidden = ["".join(cell["source"]) for cell in cells if "remove-cell" in cell["metadata"].get("tags", [])]
    path = notebook.relative_to(ROOT).as_posix()
    assert any(f"colab.research.google.com/github/{address.path}/blob/main/{path}" in source for source in hidden)
    assert any(f"git+{address.url}" in source and "pip install" in source for source in hidden)
    parameters = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    assert len(parameters) == 1, "one cell tagged `parameters`"


def test_addresses_are_those_of_project_urls():
    assert links.differing() == []
    urls = PROJECT["urls"]
    assert urls["Documentation"] == links.declared().site
    assert urls["Issues"] == links.declared().url + "/issues"
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert config["repository"]["url"] == urls["Repository"]


def test_make_links_carries_a_fork_s_address_and_back(tmp_path, monkeypatch):
    shutil.copy2(ROOT / "pyproject.toml", tmp_path)
    for file, _ in links.files():
        (tmp_path / file.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, tmp_path / file.relative_to(ROOT))
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    home = links.declared()
    monkeypatch.setattr(links, "ROOT", tmp_path)
    assert links.main(["--repository", "https://github.com/Some-Body/their.fork"]) == 0
    for file, was in before.items():
        text = file.read_text(encoding="utf-8")
        assert home.path + "/blob" not in text
        assert home.site not in text
        assert home.url not in text
        if home.path.encode() in was:
            assert "Some-Body/their.fork" in text
    assert "https://some-body.github.io/their.fork/" in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert links.main(["--repository", home.url]) == 0
    assert {file: file.read_bytes() for file in before} == before


def test_make_links_leaves_other_people_s_addresses_alone():
    text = "See https://github.com/huggingface/diffusers/issues/1 and https://aimagelab.github.io/MAs-DiT/ and others."
    assert links.rewritten(text, links.Address("a", "b")) == text
    with pytest.raises(SystemExit, match="expected an address such as"):
        links.Address.parse("few-channels/few-channels")


# Commands


def test_ci_runs_check_book_test():
    script = ROOT / ".ci" / "run"
    assert "make --no-print-directory check book test" in script.read_text(encoding="utf-8")
    if os.name != "nt":
        assert os.access(script, os.X_OK)
        subprocess.run(["bash", "-n", str(script)], check=True)


def test_what_is_missing_is_said_with_its_remedy(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    with pytest.raises(
        SystemExit, match=r"This is Python 3\.9 .* needs 3\.11 to 3\.13\.\n(Run it with|Install Python)"
    ):
        environment.check_python()
    monkeypatch.setattr(sys, "version_info", (3, 12, 0))
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else name)
    with pytest.raises(SystemExit, match=r"no module ensurepip.*\n.*python3-venv"):
        environment.check_python()

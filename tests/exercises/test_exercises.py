"""Every exercise: its solution, each mistake that it recognises, made as learners make it, and some of its variants."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import fewchannels as fc
import numpy as np
import pytest
import snippets
from fewchannels import studies
from fewchannels.exercises import asked, exercise, hint, solution
from fewchannels.exercises.listed import CHECKED, OPEN
from fewchannels.exercises.words import all_words
from fewchannels.figures import content_or_gain, level_pattern
from fewchannels.layouts.forms import Blocks
from fewchannels.measure.contributed import ModelRun, measured_run
from fewchannels.notebook.chapters import prompts_for
from fewchannels.reading.worlds import world_of
from fewchannels.studies import Condition, birth
from fewchannels.studies.shipped import from_book
from fewchannels.studies.spatial import at, mean_of
from fewchannels.studies.spatial import tested as measured_on  # pytest would take its own name for a test
from fewchannels.studies.training import trainings
from learners import MISTAKES

ROOT = Path(__file__).parents[2]
VARIANTS = (0, 1, 17)
STUDIES = {
    "ch2": "critical",
    "ch3": "spatial",
    "ch4": "text_transport",
    "ch5": "subject_transport",
    "ch6": "level_pattern",
    "ch7": "critical",
    "ch9": "content_or_gain",
}


@pytest.fixture(autouse=True)
def _new_kernel():
    asked.forget()


@pytest.fixture(scope="module")
def run(toy):
    """run(exercise): what its chapter has by then, by the names that it has there."""
    made = {}

    def common():
        few = prompts_for(toy, 3)
        with fc.capture(toy, stats := fc.ChannelStats()):
            toy.generate(few, seed=0, steps=3)
        with fc.capture(toy, calibration := fc.ChannelStats()):
            toy.generate(prompts_for(toy, 4, "calibration"), seed=1, steps=3)
        sets = studies.Sets(toy, world_of(toy), 8, steps=3, prompts=prompts_for(toy, 3, "calibration"))
        frozen = fc.top_channels(stats, k=8)
        own = ModelRun.of(measured_run(toy, prompts_for(toy, 4), steps=3))
        return {
            **{"fc": fc, "np": np, "studies": studies, "Condition": Condition, "Blocks": Blocks},
            **{"dit": toy, "stats": stats, "calibration": calibration, "sets": sets, "k": 8, "run": own},
            **{"frozen": frozen, "blocks": range(6), "report": SimpleNamespace(width=192), "runs": {toy.name: own}},
            **{"at": at, "mean_of": mean_of, "depths": list(range(6))},
            "passes": lambda blocks: blocks == Blocks("ribbons", "img_txt"),
        }

    def of(name):
        chapter = name.partition(".")[0]
        if not made:
            made["all"] = common()
        if chapter not in made:
            own = dict(made["all"])
            if chapter in STUDIES:
                own["found"] = from_book(STUDIES[chapter])
            if chapter == "ch3":
                own["where"] = measured_on(own["found"])
            if chapter == "ch10":
                own["trainings"] = birth.courses(from_book("birth"))
            if chapter == "ch11":
                own["arms"] = trainings(from_book("ingredients"))
            own["figures"] = {"ch6": level_pattern, "ch9": content_or_gain}.get(chapter)
            made[chapter] = own
        return made[chapter]

    return of


@pytest.fixture(scope="module")
def ask(run):
    """ask(exercise, variant) -> the task; one a variant, so that what it computed is there for the next test."""
    tasks = {}

    def asks(name, variant=0):
        if (name, variant) not in tasks:
            own, taken = run(name), CHECKED[name].__init__.__code__.co_varnames[1:]
            count = CHECKED[name].__init__.__code__.co_argcount - 1
            given = [own[one] for one in taken[:count] if one != "variant"]
            task = exercise(name, *given, variant=variant)
            if hasattr(type(task), "sets"):  # of fewer prompts than the world's
                task.__dict__["sets"] = own["sets"]
            tasks[name, variant] = task
        return tasks[name, variant]

    return asks


def solved(name, task, run):
    """What the solution's code calls `mine`."""
    [code] = snippets.fenced(CHECKED[name].wording().solution)
    space = {**run(name), "task": task}
    exec(code, space)
    return space["mine"]


# Each exercise


def test_every_mistake_that_is_recognised_has_a_learner_who_makes_it():
    assert set(MISTAKES) == set(CHECKED)
    for name, one in CHECKED.items():
        assert set(MISTAKES[name]) >= set(one.wording().mistakes) - EXCUSED.get(name, set()), name
        assert set(MISTAKES[name]) <= set(one.wording().mistakes), name


# mistakes that all designs share and one of them cannot be
EXCUSED = {
    "ch5.design": {"another count", "holds the top"},  # its set may not change
    "ch6.design": {"calibration"},  # its study has no such prompts
    "ch7.design": {"calibration"},
    "ch9.design": {"another count", "holds the top", "calibration"},
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", CHECKED)
def test_solutions_are_right_in_every_variant(name, variant, ask, run, capsys):
    task = ask(name, variant)
    assert task.answer(solved(name, task, run)) is True
    assert "**Right.**" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "mistake"), [(name, one) for name, each in MISTAKES.items() for one in each])
def test_each_mistake_is_told_by_its_name(name, mistake, ask, capsys):
    """In the first of some variants in which it gives something else than what is right."""
    for variant in (*VARIANTS, *range(2, 8)):
        task = ask(name, variant)
        given = MISTAKES[name][mistake](task)
        capsys.readouterr()
        if mistake in task.wrongs() and task.wrong(mistake) is None:
            continue
        assert task.answer(given) is False
        assert mistake in task.recognised
        assert len(task.recognised) <= 3
        said = capsys.readouterr().out
        assert CHECKED[name].wording().mistakes[mistake] in said
        return
    pytest.fail(f"{mistake} is no mistake in any of the variants")


@pytest.mark.parametrize("name", CHECKED)
def test_words_are_whole(name):
    words = CHECKED[name].wording()
    assert len(words.hints) >= 2
    assert len(words.mistakes) >= 3
    assert words.solution
    assert len(snippets.fenced(words.solution)) == 1


@pytest.mark.parametrize("name", CHECKED)
def test_variants_ask_other_things_and_nothing_is_computed_before_an_answer(name, ask, run, capsys, monkeypatch):
    def computed(*args, **more):
        raise AssertionError("something was computed")

    run(name)
    for method in ("right", "read", "agrees", "draw"):
        monkeypatch.setattr(CHECKED[name], method, computed)
    monkeypatch.setattr(type(run(name)["dit"]), "generate", computed)
    asked_, taken = set(), CHECKED[name].__init__.__code__
    given = [run(name)[one] for one in taken.co_varnames[1 : taken.co_argcount] if one != "variant"]
    for variant in range(12):
        task = exercise(name, *given, variant=variant)
        assert task.answer(None) is None
        said = capsys.readouterr().out
        assert "No answer yet" in said
        asked_.add(re.sub(r"^.*?\*\* ", "", said, count=1))
    assert len(asked_) > 1 or name in ALIKE


ALIKE = {"ch90.blocks"}  # its class stands in the chapter


@pytest.mark.parametrize("name", all_words())
def test_solutions_fit_the_page(name):
    codes = snippets.fenced(all_words()[name].solution)
    assert [line for code in codes for line in code.splitlines() if len(line) > 100] == []


def test_open_exercises_have_a_solution_and_no_mistakes():
    assert OPEN
    for name in OPEN:
        words = all_words()[name]
        assert words.solution
        assert not words.mistakes
        assert name.partition(".")[0] in {one.partition(".")[0] for one in CHECKED}


# What all of them do


def test_hints_come_one_by_one_and_then_the_last_again(capsys):
    for number in (1, 2, 3, 3):
        hint("ch3.coin")
        assert f"Hint {number} of 3" in capsys.readouterr().out


def test_a_solution_is_shown_after_an_attempt_or_all_hints(capsys):
    solution("ch3.coin")
    assert "Try first" in capsys.readouterr().out
    exercise("ch3.coin").answer(0.9)
    capsys.readouterr()
    solution("ch3.coin")
    assert "mine = both" in capsys.readouterr().out
    asked.forget()
    for _ in range(3):
        hint("ch3.coin")
    capsys.readouterr()
    solution("ch3.coin")
    assert "mine = both" in capsys.readouterr().out
    solution("ch0.own_sentence")
    assert "red dog" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("ch3.coin", "a fifth", "The answer is a number; yours is `'a fifth'`, a str"),
        ("ch3.coin", np.nan, "yours is nan"),
        ("ch3.coin", 0.21, "It is too large"),
        ("ch2.dearest", "first", "The answer is one of 0, 1, 2"),
        ("ch2.dearest", 40, "There is no 40 among them"),
        ("ch4.strongest", "largest", "The answer is one of"),
        ("ch1.score", np.zeros(3), "Give the function itself, `score(states, words, k)`"),
        ("ch1.score", lambda states, words, k: states[0], "Return two things"),
        ("ch1.score", lambda states, words, k: (states[9], 0), "IndexError"),
        ("ch1.score", lambda states, words, k: (np.ones(states.shape[2]), range(k)), "The shape is right"),
        ("ch0.hook", lambda dit, block, step, generate: None, "returned nothing"),
        ("ch0.hook", lambda dit, block, step, generate: np.ones((2, 5, 6)), "The shape is [2, 5, 6]"),
        ("ch2.ablation", lambda dit, channels, generate: None, "Your function returned nothing"),
        ("ch2.ablation", lambda dit, channels, generate: generate()[:1], "Return the pictures"),
        ("ch2.ablation", lambda dit, channels, generate: 255 - generate(), "more than it should"),
        ("ch3.clusters", lambda tokens, channels, grid: tokens[..., 0], "A mask is true or false"),
        ("ch3.clusters", lambda tokens, channels, grid: np.zeros(3), "The masks have the shape [3]"),
        ("ch4.design", "top", "Give a `Condition`"),
        ("ch4.design", {"colour": 1}, "has no field 'colour'"),
        ("ch10.design", 3, "a list of pairs"),
        ("ch11.design", 3, "The answer is a pair"),
        ("ch11.design", ([({"colour": 1}, 0)], "loss"), "The recipe has no 'colour'"),
        ("ch11.design", ([({}, 0)], "time"), "yours is 'time'"),
        ("ch90.blocks", "ribbons", "Give a `Blocks(path, returns)`"),
    ],
)
def test_what_cannot_be_compared_or_is_no_known_mistake_is_told_as_such(name, given, said, ask, capsys):
    assert ask(name).answer(given) is False
    assert ask(name).recognised == []
    assert said in capsys.readouterr().out


def test_what_does_not_fit_is_an_error():
    with pytest.raises(LookupError, match=r"no exercise 'ch3\.dice'; there are .*ch3\.coin"):
        exercise("ch3.dice")
    with pytest.raises(LookupError, match=r"there is no exercise 'x'"):
        hint("x")
    with pytest.raises(LookupError, match="nothing checks it"):
        exercise("ch0.own_sentence")
    with pytest.raises(TypeError, match=r"'ch2\.dearest' takes of the run: found; got 0 values"):
        exercise("ch2.dearest")
    with pytest.raises(TypeError, match="variant='me': expected a whole number"):
        exercise("ch3.coin", variant="me")
    with pytest.raises(ValueError, match="variant=-1: expected 0 or more"):
        exercise("ch3.coin", variant=-1)


def test_hooks_that_a_learner_leaves_are_gone_afterwards(ask):
    task = ask("ch0.hook")
    before = task.dit.generate(task.prompts, seed=0, steps=2)
    task.answer(MISTAKES["ch0.hook"]["hook left on"](task))
    ask("ch2.ablation").answer(MISTAKES["ch2.ablation"]["hook left on"](task))
    assert not any(module._forward_hooks for module in task.dit.transformer.modules())
    assert np.array_equal(task.dit.generate(task.prompts, seed=0, steps=2), before)


def test_other_clusters_that_are_as_good_are_right(ask):
    """Starts of K-means differ; a partition of nearly the same spread, named by the rule, is no mistake."""
    task = ask("ch3.clusters")
    mask = task.expected.copy()
    i, h, w = np.argwhere(mask)[0]
    mask[i, h, w] = False
    assert task.agrees(mask, task.expected)
    assert not task.agrees(np.zeros_like(mask), task.expected)


def test_a_design_is_run_and_the_claim_told(ask, capsys):
    task = ask("ch9.design")
    task.fair = None
    with pytest.raises(RuntimeError, match=r"give one to task\.answer first"):
        task.run()
    assert task.answer({"through": "content", "strength": 2}) is True
    said = capsys.readouterr().out
    assert "It controls for" in said
    assert "It leaves open" in said
    made = task.run(n=2)
    assert set(made.cells) == {task.base, task.fair}
    said = capsys.readouterr().out
    assert "the claim's minus yours" in said
    assert any(one in said for one in ("claim stands", "breaks the claim", "Open"))


def test_a_model_whose_run_holds_no_prompt_apart_is_told_so(run, capsys):
    own = run("ch8.design")["run"]
    merged = ModelRun(own.name, own.run, own.scores[:1], own.energy[:1], own.steps, own.k)
    task = exercise("ch8.design", merged)
    assert task.answer(3) is None
    assert "Not on this model" in capsys.readouterr().out


def test_another_model_is_read_by_its_own_form(flux, capsys):
    task = exercise("ch0.hook", flux)
    assert "Guidance is as this model has it by default" in capsys.readouterr().out

    def read_tokens(dit, block, step, generate):
        with fc.capture(dit, kept := fc.KeepTokens(dtype="float32"), layers=[block], steps=[step]):
            generate()
        return kept.array[:, 0, 0]

    assert task.answer(read_tokens) is True
    assert exercise("ch1.score", flux).answer(lambda states, words, k: (states.mean((0, 1)), [0] * k)) is False

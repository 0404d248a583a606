"""Writes notebooks/11_ingredients.ipynb. What is in doubled square brackets waits for the trainings."""
import json
import sys

cells = []


def add(kind, source, slide=None, tags=None):
    number = len(cells)
    meta = {}
    if tags:
        meta["tags"] = tags
    if slide:
        meta["slideshow"] = {"slide_type": slide}
    cell = {"cell_type": kind, "id": f"ingredients-{number:02d}", "metadata": meta}
    lines = source.strip("\n").split("\n")
    cell["source"] = [line + "\n" for line in lines[:-1]] + lines[-1:]
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    cells.append(cell)


def md(source, slide=None, tags=None):
    add("markdown", source, slide, tags)


def code(source, slide=None, tags=None):
    add("code", source, slide, tags)


REPO = "few-channels/few-channels"
md(f"""
[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/{REPO}/blob/main/notebooks/11_ingredients.ipynb)

Three questions to answer before you read, and again afterwards, stand on [this chapter's page](https://few-channels.github.io/few-channels/notebooks/11_ingredients.html#before-you-read). Answers stay in your browser.
""", tags=["remove-cell"])
code("""
import sys

if "google.colab" in sys.modules:
    %pip install -q "git+https://github.com/few-channels/few-channels"
""", tags=["remove-cell"])
md("""
# What makes massive channels

> **In this chapter.** Which part of the recipe makes them? You train with one thing changed, and look at what many such trainings came to: other optimisers, norms, gates and kinds of attention, three seeds of each. About thirty minutes to read; the code runs in about one minute. Needs [chapter 1](01_massive_channels.ipynb) and [chapter 10](10_birth.ipynb).

> **Question before you run.** Adam divides each weight's step by that weight's own past, so it knows the axes of the stream. Many hold that this makes outlier channels. Turn the basis in which Adam sees the stream, and all else stays as it is. What becomes of the massive channels?

> **Claims.** *Adam's basis* makes them, and steps that know no axes do not: those of *Muon*, and of Adam in a *rotated basis*; not only because they learn less. There the *direction outlives the channel*. With *a rotation at each read and write* no channel stands out and none is critical, but the *direction grows* all the same. The *final norm* lets them grow, and *norms behind the branches* keep them smaller. A *higher rate* and *momentum* add to them. Gates that depend on the noise level *are not needed*, attention sinks *are not what they are*, and *magnitude-preserving* layers have none.

Chapter 10 saw a direction turn into a channel. Something has to tell training where the axes are. In language models two parts were held to: the optimiser, since with an Adam in a rotated basis outliers vanish (arXiv 2410.17174), and what acts channel by channel in the network, since with a rotation at each read and write they vanish as well (Elhage and others, 2023). Diffusion transformers have one more such part, the scales, shifts and gates of AdaLN, and the large channels are said to follow them (Gan and others, arXiv 2607.02968). What we expected of each claim, and from which source, stands beside it in the [list of claims](../book/claims.md); it was written down before the trainings were run.

**Settings.** As in [chapter 2](02_critical.ipynb). All of this chapter is about networks that are trained for it, so `model` only says whose claims are held to their text. `train_on` says on how many pictures you train.
""", "slide")
code("""
model = "toyworld"
options = {}
judges = {}
store = ""
n = 4
seed = 0
steps = 0
k = 0
train_on = 1024
""", tags=["parameters"])
code("""
import numpy as np

from fewchannels import plots
from fewchannels.figures import ingredients as figures
from fewchannels.notebook import check, open_chapter, show
from fewchannels.studies.ingredients import begin
from fewchannels.studies.shipped import from_book
from fewchannels.studies.training import by_seed, trainings
from fewchannels.toyworld.arms import ARMS

dit = open_chapter(model, options, store)
""")
md("""
## A thousand pictures with one thing changed

An *arm* is the toy's training with one thing changed. The network stays the same class of diffusers; what is changed hangs on its parts.
""")
code("""
for name, arm in ARMS.items():
    print(f"{name:22}{arm.about}")
""")
code("""
begun = begin("rotated_stream", images=train_on)
found = from_book("ingredients")
arms = trainings(found)
kept = arms["rotated_stream"][0]
for measure in ("loss", "size", "kurtosis", "first"):
    print(f"{measure:10}", np.round(begun[measure], 2), np.round(kept.at_images(measure, train_on), 2))
figures.unlike(begun, kept, train_on)  # what is not as in the file
""", "slide")
md("""
On the left is your training, on the right the book's after as many pictures: for each block the largest channel over the median one, the kurtosis of the channels' sizes, and the share of the energy along the first direction. Nothing is unlike. Each arm was trained so, on fifty thousand pictures and from three seeds, which takes hours: `python -m fewchannels.studies.ingredients` is the command, and it leaves measures, no weights. Each training measured itself as it went, on scenes that none of them draws.

**Two comparisons.** A recipe that learns slowly has small channels because it is *early*. So each arm stands beside the base recipe twice: after equal pictures, and at the lowest held-out loss that both reach.

## The optimiser
""")
code("""
steps_of = {name: arms[name] for name in figures.FAMILIES["optimiser and rate"]}
show(
    plots.replicates({"at the end": figures.at_end(steps_of, "kurtosis")}, "kurtosis", log=True),
    alt="[[Muon and Adam in a rotated basis lie above the recipe, not below it.]]",
    caption=f"The last block at the end; a dot is a seed. {found.source()}",
)
""", "slide")
code("""
show(
    plots.replicates(figures.beside_base(steps_of, "kurtosis"), "times the recipe's", {"equal": 1}, log=True),
    alt="[[At equal loss as at equal pictures, Muon and the rotated Adam have more than the recipe.]]",
    caption="Kurtosis of the last block over that of the base recipe with the same seed.",
)
check("ingredients_rotated_adam", by_seed(arms["rotated_adam"], arms["base"], "kurtosis"))
check("ingredients_muon", by_seed(arms["muon"], arms["base"], "kurtosis"))
check("ingredients_not_only_early", by_seed(arms["rotated_adam"], arms["base"], "kurtosis", at="loss"))
check("ingredients_momentum", by_seed(arms["rmsprop"], arms["base"], "kurtosis"))
check("ingredients_rate", by_seed(arms["double_rate"], arms["half_rate"], "size"))
""")
md("""
[[None of the first three holds. With steps that know no axis of the stream the channels stand out more, and not less. So what was found in language models is not so here: a diffusion transformer with AdaLN needs no Adam to have them. ...]]

### Over the training
""", "notes")
code("""
images = "pictures seen in training"
show(
    plots.lines(figures.courses(arms, "kurtosis", steps_of), images, "kurtosis", log_x=True, log_y=True),
    alt="[[]]",
    caption="The last block. Lines are means over three seeds, bands their range.",
)
""")
md("""
## A direction and a channel

Eight principal directions hold a share of the energy whatever the basis; eight channels hold one only where directions lie along axes.
""")
code("""
shares = {"eight directions": "principal", "eight channels": "top_share"}
show(
    plots.replicates({kind: figures.at_end(arms, share) for kind, share in shares.items()}, "share of the energy"),
    alt="[[In every arm but the rotated stream channels hold nearly what directions hold; there next to nothing.]]",
    caption="The last block at the end.",
)
check("ingredients_direction_falls_less", figures.direction_falls_less(arms))
check("ingredients_rotated_stream_normal", figures.value_at_end(arms["rotated_stream"], "token_kurtosis"))
check("ingredients_rotated_stream_direction", figures.grown_direction(arms["rotated_stream"]))
""", "slide")
md("""
[[With a rotation at each read and write the values of a token are as if drawn from a normal distribution, in every block; the direction is there all the same.]]

### Is it critical then?
""", "notes")
code("""
show(
    plots.replicates(figures.readings(found, figures.CHANGE), "change of the picture", log=True),
    alt="[[]]",
    caption="Channels at zero in all blocks and steps, after the whole training.",
)
check("ingredients_rotated_stream_harmless", figures.less_critical(found, "rotated_stream"))
""", "slide")
md("""
[[]]

## Norms and gates
""")
code("""
around = {name: arms[name] for name in figures.FAMILIES["norms and gates"] if name in arms}
show(
    plots.replicates(figures.beside_base(around, "size"), "times the recipe's", {"equal": 1}, log=True),
    alt="[[]]",
    caption="Largest over median channel of the last block, over that of the base recipe.",
)
check("ingredients_final_norm", by_seed(arms["no_final_norm"], arms["base"], "size"))
check("ingredients_sandwich_norm", by_seed(arms["sandwich_norm"], arms["base"], "size"))
check("ingredients_gate_of_t", figures.value_at_end(arms["constant_gate"], "size"))
""", "slide")
md("""
[[]]

## Attention, and layers that cannot grow
""")
code("""
control = {name: arms[name] for name in figures.FAMILIES["stream and attention"]}
show(
    plots.replicates({"at the end": figures.at_end(control, "size")}, "largest over median", {"born": 5}, log=True),
    alt="[[]]",
    caption="The last block at the end. Five times the median is where chapter 10 calls a channel born.",
)
check("ingredients_softmax1", figures.factor(arms, "softmax1"))
check("ingredients_magnitude_preserving", figures.largest_block(arms["magnitude_preserving"]))
""", "slide")
md("""
[[]]

## Do the pictures suffer?
""")
code("""
show(
    plots.replicates(figures.readings(found, figures.QUALITY), "share of what was named"),
    alt="[[]]",
    caption="Untouched pictures after the whole training.",
)
show(
    plots.replicates({"held-out loss": figures.at_end(arms, "loss")}, "held-out loss"),
    alt="[[]]",
    caption="Mean squared error of the velocity at the end.",
)
""", "slide")
md("""
Does a verdict hang on our choices? The last block and the largest channel are choices; here are all blocks.
""", "notes")
code("""
show(
    plots.table_of_numbers(**figures.by_block(arms), label="doublings", xlabel="block"),
    alt="[[]]",
    caption="Largest over median channel at the end, in doublings: 5 is 32 times.",
)
""")
md("""
[[]]

## On a larger model

Nobody trains one to change one thing. But public models differ in these things, and can be laid side by side: sandwich norms (Lumina 2, Z-Image), gates that are tanh (Z-Image), one gate for all blocks (PixArt), and models that somebody trained with Muon. [Chapter 8](08_your_model.ipynb) lays their runs side by side. They differ in more than one thing, so this can break a claim and cannot carry one.

> **Verdict.** [[]]

> **What it means.** [[]]

> **Common misconception.** [["Adam makes them."]]

> **What would have falsified it.** [[]]

> **Limits.** One architecture, one world, fifty thousand pictures and three seeds. Left out were a tanh at the gate, post-norm, a bias on the keys, SGD, Adam's epsilon and the number of tokens; `fewchannels.toyworld.arms` says why. No arm's learning rate was tuned: each has that of the recipe, which was tuned for Adam. Two changes at once were not tried.
""", "slide")
md("""
## Exercises

Each is asked by the cell below it. Write your answer in place of `None` and run the cell again: it says whether it is right, or *why* it is not, and draws what was expected beside yours. `hint("ch11.design")` gives one hint after the other, `solution("ch11.design")` a solution once you have tried.
""")
code("""
from fewchannels.exercises import exercise, hint, solution  # noqa: F401

variant = 0  # your number in class: other parts, seeds and tokens
""")
md("""
**1. Break the claim.** Design the trainings that could show that a part of the recipe has no hand in it.
""")
code("""
task = exercise("ch11.design", variant=variant)
mine = None  # ([(recipe, seed), ...], "images" or "loss")

task.answer(mine)
""")
md("""
**2. Equally far.** Compare at equal loss.
""")
code("""
task = exercise("ch11.equal_loss", arms, variant=variant)
mine = None  # so many times

task.answer(mine)
""")
md("""
**3. Along no axis.** How much lies along a direction that is no channel?
""")
code("""
task = exercise("ch11.direction", variant=variant)
mine = None  # a share

task.answer(mine)
""")
md("""
Nothing checks the next one: look, and compare.

**4. An arm of your own.** Take the weight decay out, and train a thousand pictures. Does it show by then? (`solution("ch11.own_arm")` has what others saw.)
""")
md("""
**Next.** [The claims](../book/claims.md), with the verdict of each.
""")
notebook = {
    "cells": cells,
    "metadata": {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    },
    "nbformat": 4,
    "nbformat_minor": 5,
}
with open(sys.argv[1], "w") as file:
    json.dump(notebook, file, indent=1, ensure_ascii=False)
    file.write("\n")

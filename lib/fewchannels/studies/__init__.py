"""The book's experiments, each a module: what a notebook runs on a few prompts and `make study` on many.

    python -m fewchannels.studies critical --out results        # hours on two cores; goes on where it stopped

`cases` is what all of them share: the model with its prompts and its reader of pictures, and the channel sets, frozen
on calibration prompts, with all their controls. `files` keeps a study as one small run file. A study module has
`conditions(case, sets, ...)`, which gives functions by name for `sweep`, and makes no figure.
"""

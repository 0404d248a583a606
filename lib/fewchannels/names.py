"""The names of edits, of what reads, and of scores, once: for Python, the command line, and the pages
(`widgets/js/names.js`, which `python lib/fewchannels/widgets/bundle.py` writes from here)."""

EDITS = (
    "zero",
    "mean",
    "own_mean",
    "no_level",
    "mean_level",
    "shuffle",
    "resample",
    "scale",
    "replace",
    "noise",
    "shift",
)
ALONE = ("zero", "own_mean", "no_level", "shuffle", "noise", "shift")  # edits that need nothing but channels
WRITTEN = (*ALONE, "scale", "replace")  # edits that a table in a file can say whole
ASKED = ("zero", "own_mean", "shuffle")  # edits that the explorer asks a kernel for
THROUGH = ("stream", "both", "content", "gain")  # through what an edit works: watch/reads.py
READERS = ("attention", "cross", "mlp", "skip", "last")  # what the stream is read for: layouts/forms.py
SCORES = ("abs_mean", "mean_abs")
SHOWN = (*SCORES, "max_abs", "energy")  # scores that the explorer shows

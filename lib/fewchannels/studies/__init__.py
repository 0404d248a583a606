"""The book's experiments: each a Study, a list of conditions with its readers, that one `run` carries out.

    from fewchannels import studies
    found = studies.run(studies.critical, model, n=24)                          # Results
    found.minus("change", {"channels": "top"}, {"channels": "random"})

    fewchannels study critical --out results/critical.safetensors               # goes on where it stopped

`condition` is a row of data, `sets` makes the channels that it names, `edits` what is done to them, `groups` the
prompts; `study` runs it all through the batched sweep, `results` keeps what was found, `selection` compares it and
`views` gives figures what they take. A study is a file of about a hundred lines.
"""

from .condition import Condition, each, one_at_a_time, parts
from .content_or_gain import content_or_gain
from .critical import critical
from .groups import evaluation, pairs, references, scenes
from .level_pattern import level_pattern
from .replicas import replicas
from .results import Results
from .sets import Sets
from .shipped import shipped
from .spatial import spatial
from .study import Instrument, Study, run
from .subject_transport import subject_transport
from .text_transport import text_transport

STUDIES = {
    one.name: one for one in (critical, spatial, text_transport, subject_transport, level_pattern, content_or_gain)
}

__all__ = [
    "STUDIES",
    "Condition",
    "Instrument",
    "Results",
    "Sets",
    "Study",
    "content_or_gain",
    "critical",
    "each",
    "evaluation",
    "level_pattern",
    "one_at_a_time",
    "pairs",
    "parts",
    "references",
    "replicas",
    "run",
    "scenes",
    "shipped",
    "spatial",
    "subject_transport",
    "text_transport",
]

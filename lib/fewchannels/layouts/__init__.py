"""Where the image tokens are: one row of data a transformer class, and what reads, writes and labels by it.

    layout = layout_of(transformer)                     # the row, or an error that says how to add one
    frame = frame_of(layout, transformer, arguments)    # grid and token counts of one forward
    tokens = read(group, block_output, frame)           # [B, N, D], a view
    output = write(group, block_output, frame, tokens)  # a new output; read and write are inverse

table.py holds the data in the forms of forms.py, frames.py reads the grid, tokens.py reads and writes, residuals.py
brings what is added between blocks within reach, reads.py finds the norms that read the stream and norms.py parts what
they do, branches.py labels forwards, calls.py tells what a call takes, guards.py refuses what would be silently wrong.
Layouts were read from diffusers 0.42.1 and run at toy size.
"""

from .branches import PERTURBED, Labels
from .calls import is_open, mentions, signature_of
from .forms import Added, Blocks, Layout, Read
from .frames import Frame, frame_of
from .guards import refuse_silent_wrongs
from .norms import normed
from .reads import Site, reads_of
from .residuals import Residuals
from .table import TABLE, layout_of, register
from .tokens import blocks_of, read, write

__all__ = [
    "PERTURBED",
    "TABLE",
    "Added",
    "Blocks",
    "Frame",
    "Labels",
    "Layout",
    "Read",
    "Residuals",
    "Site",
    "blocks_of",
    "frame_of",
    "is_open",
    "layout_of",
    "mentions",
    "normed",
    "read",
    "reads_of",
    "refuse_silent_wrongs",
    "register",
    "signature_of",
    "write",
]

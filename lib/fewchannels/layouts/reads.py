"""Where the stream of the picture is read: the modules that a layout names, and the picture in what they are given.

for site in reads_of(layout, transformer):
    site.name, site.block, site.readers       # "transformer_blocks.3.norm2", 3, ("mlp",)
tokens = site.tokens(given, frame)            # [B, N, D]
given = site.written(given, frame, tokens)
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch

from .forms import Blocks, Layout, Read
from .frames import Frame
from .norms import CENTRED, is_known
from .tokens import blocks_of, read, write


@dataclass(frozen=True, eq=False)
class Site:
    """A read of one model. block: the depth index of the block that it stands in, None behind the last one. form: how
    the picture lies in what the module is given. after: the site whose output it norms again, with which it is one."""

    name: str
    block: int | None
    read: Read
    form: Blocks
    module: torch.nn.Module
    after: Site | None = None

    @property
    def readers(self) -> tuple[str, ...]:
        return self.read.readers

    def tokens(self, whole: torch.Tensor, frame: Frame) -> torch.Tensor:
        """The picture's tokens [B, N, D] in what the module is given or puts out."""
        flat = _flat(whole)
        return read(self.form, flat, self._frame(flat, frame))

    def written(self, whole: torch.Tensor, frame: Frame, tokens: torch.Tensor) -> torch.Tensor:
        """The same tensor with other tokens in the picture's place."""
        flat = _flat(whole)
        return write(self.form, flat, self._frame(flat, frame), tokens).reshape(whole.shape)

    def _frame(self, flat: torch.Tensor, frame: Frame) -> Frame:
        """Behind the last block reference images may have been cut off already."""
        alone = self.form.returns == "img" and flat.shape[1] == frame.tokens
        return dataclasses.replace(frame, packed=frame.tokens) if alone else frame


def reads_of(layout: Layout, transformer: torch.nn.Module) -> list[Site]:
    """The sites of a transformer, in the order in which they run.

    Raises ValueError for a class of which they are not known, and for a norm whose formula is not known; AttributeError
    where a module is missing.
    """
    found: list[Site] = []
    for block, (name, group, module) in enumerate(blocks_of(layout, transformer)):
        _refuse_unknown(layout, group.path, group.reads)
        for one in group.reads:
            found += _sites(layout, name, block, one, _form(group, one), module)
    _refuse_unknown(layout, "the end", layout.last)
    for one in layout.last:
        own = dataclasses.replace(layout.blocks[-1], returns="img", image="all", registers=0, gap=0)
        sites = _sites(layout, "", None, one, _form(own, one), transformer)
        after = next((site for site in found if site.block is None and site.read.path == one.after), None)
        found += [dataclasses.replace(site, after=after) for site in sites]
    return found


def _sites(layout, prefix: str, block: int | None, one: Read, form: Blocks, holder: torch.nn.Module) -> list[Site]:
    """The sites of a row of the table in a block, or in the transformer: several for a "*", none for what is optional
    and missing. `prefix` names the holder."""
    try:
        above, star, below = one.path.partition(".*.")
        named = holder.get_submodule(above)
        modules = {one.path: named}
        if star:
            modules = {f"{above}.{key}.{below}": part.get_submodule(below) for key, part in named.named_children()}
    except AttributeError as error:
        if one.optional:
            return []
        raise AttributeError(
            f"{layout.name} has no {one.path!r} in {prefix or 'it'}; where the stream is read was read from diffusers "
            f"0.42.1. Install a version near it, or correct the entry in fewchannels/layouts/table.py"
        ) from error
    sites = []
    for path, module in modules.items():
        name = f"{prefix}.{path}" if prefix else path
        if one.norm and not is_known(module):
            raise ValueError(
                f"{name} is a {type(module).__name__}, whose mean and divisor are not known here, so that content and "
                f"gain cannot be told apart: expected one of {', '.join(CENTRED)}, over one axis. through='stream' "
                f"edits without them"
            )
        sites.append(Site(name, block, one, dataclasses.replace(form, path=name), module))
    return sites


def _form(group: Blocks, one: Read) -> Blocks:
    """How the picture lies in what a site is given: in a row with text, or alone."""
    image = one.image or (group.image if group.returns == "fused" else "")
    if not image:
        return dataclasses.replace(group, returns="img", image="all")
    return dataclasses.replace(group, returns="fused", image=image)


def _refuse_unknown(layout: Layout, where: str, reads: tuple[Read, ...]) -> None:
    if not reads:
        raise ValueError(
            f"the layout of {layout.name} does not say where the picture's stream is read in {where} (reads of Blocks, "
            f"last of Layout, in fewchannels/layouts/table.py): pass through='stream', or add it to the entry"
        )


def _flat(whole: torch.Tensor) -> torch.Tensor:
    """Kandinsky 5's last norm is given [B, T, H, W, D]."""
    return whole.flatten(1, -2) if whole.ndim > 3 else whole

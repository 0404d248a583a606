"""Edits at the reads of every class, against norms written out by hand; and what is refused."""

import copy

import fewchannels as fc
import numpy as np
import pytest
import torch
from fewchannels.channels import random_directions
from fewchannels.layouts import TABLE, blocks_of, reads_of
from fewchannels.names import THROUGH

PARTED = THROUGH[1:]
ROWS = sorted(TABLE)
FACTOR = -3.0
SQUARE = "DiTTransformer2DModel"  # it draws nothing else


def by_hand(norm, values, sizes):
    """(values - mean of sizes) / deviation of sizes, in float64, then weight and bias."""
    values, sizes = values.double(), sizes.double()
    kind = type(norm).__name__
    if "LayerNorm" in kind:
        out = (values - sizes.mean(-1, True)) / (sizes.var(-1, unbiased=False, keepdim=True) + norm.eps) ** 0.5
    else:
        out = values / ((sizes**2).mean(-1, keepdim=True) + norm.eps) ** 0.5
    weight, bias = getattr(norm, "weight", None), getattr(norm, "bias", None)
    if weight is not None:
        out = out * (weight.double() + (1 if kind == "Krea2RMSNorm" else 0))
    return out if bias is None else out + bias.double()


@pytest.fixture
def affine(tiny):
    """affine(class_name) -> (model, call): norms with random weights and biases, as they have after training."""

    def build(name):
        transformer, call = tiny(name)
        state = copy.deepcopy(transformer.state_dict())
        for i, site in enumerate(reads_of(fc.load(transformer).layout, transformer)):
            if site.read.norm:
                for parameter in site.module.parameters():
                    parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(i)))
        states.append((transformer, state))
        grid = {"height": 4, "width": 4 if name == SQUARE else 6}
        return fc.load(transformer), lambda: call(batch=2, **grid)

    states = []
    yield build
    for transformer, state in states:
        transformer.load_state_dict(state)


def hook_count(model):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.transformer.modules())


class Seen:
    """What every site is given before an edit and puts out after it, and what every block returned, in turn."""

    def __init__(self, model):
        self.model, self.given, self.order = model, {}, []
        self.sites = reads_of(model.layout, model.transformer)
        self.handles = []

    def before(self):
        for site in self.sites:
            self.handles.append(site.module.register_forward_pre_hook(self._given(site)))

    def after(self):
        """Norms have put out, and readers without one are given, what the edits have left."""
        for site in self.sites:
            if site.read.norm:
                hook = site.module.register_forward_hook(lambda m, a, o, site=site: self._out(site, o))
            else:
                hook = site.module.register_forward_pre_hook(lambda m, a, site=site: self._out(site, a[0]))
            self.handles.append(hook)
        for i, (_, group, block) in enumerate(blocks_of(self.model.layout, self.model.transformer)):
            self.handles.append(
                block.register_forward_hook(lambda m, a, o, i=i, g=group: self.order.append(("block", i, g, o)))
            )

    def _given(self, site):
        def hook(module, args):
            self.given[site.name] = args[0].clone()

        return hook

    def _out(self, site, output):
        self.order.append(("read", site, self.given[site.name], output.clone()))

    def remove(self):
        for handle in self.handles:
            handle.remove()


def own_channels(model, width):
    """Two channels of each block, in every block others."""
    rows = [np.array([(3 * i) % width, (3 * i + 1) % width]) for i in range(len(model.layers))]
    return fc.ChannelSet(tuple(np.sort(row) for row in rows), width, "two of each block")


def run_seen(model, call, through, how="scale", *, channels, **more):
    """(output, events, log) of a forward with an edit, seen from outside and inside of it."""
    seen = Seen(model)
    seen.before()
    try:
        with model.trajectory(2, 1), fc.ablate(model, channels, how, through=through, **more) as done:
            seen.after()
            out = call()
    finally:
        seen.remove()
    return out, seen.order, done


def width_of(model, call):
    with model.trajectory(2, 1), fc.capture(model, stats := fc.ChannelStats()):
        call()
    return stats.mean.shape[-1], int(stats.count.flat[0])


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("through", PARTED)
def test_every_read_is_as_written_out_by_hand(name, through, affine):
    model, call = affine(name)
    width, count = width_of(model, call)
    sets = own_channels(model, width)
    _, order, _ = run_seen(model, call, through, factor=FACTOR, channels=sets)
    block, ran, chain, edited = None, set(), {}, 0
    for what, *event in order:
        if what == "block":
            block, ran = event[0], set()
            continue
        site, given, out = event
        norm = site.module
        if site.name in ran and site.read.twice:  # FLUX.3 norms the text second, and it stays
            assert torch.equal(out, norm.forward(given))
            continue
        ran.add(site.name)
        plain = norm.forward(given) if site.read.norm else given
        if block is None:
            assert torch.equal(out, plain), f"{site.name} reads the embedding"
            continue
        if site.after is not None:
            values, sizes = chain[site.after.name]
            tokens = by_hand(norm, values[:, -count:], sizes[:, -count:])
            torch.testing.assert_close(out.double(), tokens, rtol=1e-4, atol=1e-4)
            continue
        changed = given.clone()
        changed[..., sets[block]] *= FACTOR
        values = given if through == "gain" else changed
        sizes = given if through == "content" else changed
        expected = by_hand(norm, values, sizes) if site.read.norm else values.double()
        if through == "gain" and not site.read.norm:
            assert torch.equal(out, given), "where no norm reads there is no gain"
            continue
        chain[site.name] = expected, by_hand(norm, sizes, sizes) if site.read.norm else None
        # rows are the picture's tokens wherever what is put out is not that of the plain norm
        axis = 0 if site.form.axes == "SBD" else 1
        flat = [part.flatten(1, -2) if part.ndim > 3 else part for part in (out.double(), plain.double(), expected)]
        out_rows, plain_rows, hand_rows = (part.transpose(0, 1) if axis == 0 else part for part in flat)
        moved = (out_rows != plain_rows).any(-1)
        assert moved.sum(1).tolist() == [count, count], f"{site.name}: every token of the picture, and no other"
        torch.testing.assert_close(out_rows[moved], hand_rows[moved], rtol=1e-4, atol=1e-4)
        edited += 1
        if site.read.ends:
            block = None
    fewer = sum(1 for site in reads_of(model.layout, model.transformer) if not site.read.norm and through == "gain")
    assert edited >= len(model.layers) - fewer


@pytest.mark.parametrize("name", ROWS)
def test_identity_changes_no_bit_and_the_model_is_left_as_it_was(name, affine):
    model, call = affine(name)
    clean, hooks = call(), hook_count(model)
    width, _ = width_of(model, call)
    for channels in (own_channels(model, width), random_directions(width, 2, len(model.layers))):
        for through in PARTED:
            with model.trajectory(2, 1), fc.ablate(model, channels, "scale", factor=1.0, through=through) as done:
                assert torch.equal(call(), clean), through
            assert np.nanmax(done.change) == 0
    for through in PARTED:
        with model.trajectory(2, 1), fc.ablate(model, own_channels(model, width), through=through) as done:
            assert not torch.equal(call(), clean), through
        assert np.nanmin(done.change) > 0
        assert (torch.equal(call(), clean), hook_count(model)) == (True, hooks)
        with pytest.raises(KeyError, match="by hand"):
            with model.trajectory(2, 1), fc.ablate(model, own_channels(model, width), stopping, through=through):
                call()
        assert (torch.equal(call(), clean), hook_count(model)) == (True, hooks)


def stopping(values, *, layer, **labels):
    if layer == 1:
        raise KeyError("by hand")
    return values * 2


@pytest.mark.parametrize("name", ROWS)
def test_the_stream_is_left_as_it_is(name, affine):
    """What follows a block that is set to a mean, in the stream and at its reads, is apart by that change alone: so the
    reads are all that there are, and none of them is of another block."""
    model, call = affine(name)
    width, _ = width_of(model, call)
    reference = torch.randn(len(model.layers), 1, width, generator=torch.Generator().manual_seed(3)).numpy()
    sets = own_channels(model, width)
    ends = {site.block for site in reads_of(model.layout, model.transformer) if site.read.ends}
    _, plain, _ = run_seen(model, call, "both", factor=1.0, channels=sets)
    untouched = outputs(plain)
    for layer in range(len(model.layers)):
        more = {"how": "mean", "channels": sets, "reference": reference, "layers": layer}
        (out, stream, _), (other, reads, _) = (run_seen(model, call, way, **more) for way in ("stream", "both"))
        stream, reads = outputs(stream), outputs(reads)
        for part, was in zip(reads[layer], untouched[layer], strict=True):
            assert part is was is None or torch.equal(part, was), "the edited block itself"
        if layer + 1 == len(model.layers):
            torch.testing.assert_close(out, other, rtol=1e-4, atol=1e-4)
            continue
        for part, own in zip(stream[layer + 1], reads[layer + 1], strict=True):
            if part is None:
                continue
            difference = part - own
            if layer + 1 not in ends:
                difference[..., sets[layer]] = 0
            torch.testing.assert_close(difference, torch.zeros_like(part), rtol=0, atol=2e-4)


def outputs(order):
    """What each block returned, as a list of tensors."""
    found = [event[3] for event in order if event[0] == "block"]
    return [[output] if isinstance(output, torch.Tensor) else list(output) for output in found]

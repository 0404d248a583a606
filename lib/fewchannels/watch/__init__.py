"""Hooks that look at a model while it generates, and what they keep.

    with capture(model, stats := ChannelStats()):
        model.generate(prompts, seed=0)

hooks.py has the two contexts, capture and edit; sinks.py the base of what they hand tokens to; statistics.py,
tokens.py, trajectories.py and attention.py are what is kept, loop.py what the denoising loop holds; subspaces.py reads
and writes a few channels of tokens.
"""

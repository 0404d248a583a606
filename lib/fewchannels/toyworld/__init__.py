"""The toy world: scenes rendered by us, prompts of a small grammar, and the latent flow transformer trained on them.

    from fewchannels.toyworld.scenes import random_scene
    scene = random_scene(0)                  # image, exact masks, attributes, prompt
    fewchannels.load("toyworld")             # the trained pipeline

python -m fewchannels.toyworld.train_autoencoder | train | train_judge | evaluate
"""

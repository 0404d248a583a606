"""What is done to a run: channels ablated or transported, prompts and latents blended, pictures brought in.

channel_edit.py puts new values on chosen channels and tokens; ablation.py has the edits by name, patching.py records a
run and gives its channels to another; blending.py is what a critic would do instead; inversion.py and image_latents.py
make a trajectory of a picture; guidance.py steers away from what the model says without its massive channels.
"""

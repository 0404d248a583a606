"""Prompt sets: the toy world's (toyworld.py), our own for models of the real world (natural.py), others' files
(files.py), and pairs that differ (pairs.py). Channel sets are frozen on calibration prompts, and effects are measured
on evaluation prompts.

    calibration = toyworld_prompts(32, split="calibration")
    evaluation = toyworld_prompts(128, split="evaluation", subjects=1)
"""

from .files import KINDS, MOST_BYTES, FilePrompt, PromptFileError, read_prompt_file
from .natural import _CALIBRATION, _EVALUATION, SPLITS, NaturalPrompt, check_split, natural_prompts, swapped_pairs
from .pairs import APART, PLACES, SAME_PLACE, SCENE, SUBJECT, Pair, new_scene, subject_pairs, toyworld_pairs, value_of
from .toyworld import toyworld_attributes, toyworld_prompts

__all__ = [
    "APART",
    "KINDS",
    "MOST_BYTES",
    "PLACES",
    "SAME_PLACE",
    "SCENE",
    "SPLITS",
    "SUBJECT",
    "_CALIBRATION",
    "_EVALUATION",
    "FilePrompt",
    "NaturalPrompt",
    "Pair",
    "PromptFileError",
    "check_split",
    "natural_prompts",
    "new_scene",
    "read_prompt_file",
    "subject_pairs",
    "swapped_pairs",
    "toyworld_attributes",
    "toyworld_pairs",
    "toyworld_prompts",
    "value_of",
]

"""The command line, `fewchannels`: command.py begins it; each command is a module."""

from .command import main

__all__ = ["main"]

"""What a value is known by, so that what was computed from it is never taken for another's.

    content(["a dog", channels, reader])     # JSON, equal exactly where the values are
    digest(model)                            # 32 hexadecimal digits: all weights, scheduler, defaults, hooks
    code_digest(measure)                     # code alone: its own, and of all files that it reaches by imports

Content decides and names do not: two `functools.partial` are told apart by their arguments, closures by the values that
they hold, bound methods by their object, modules by the numbers in all their tensors, whichever way these were changed.
What has no content to read (a generator, an open file, a lock) is refused by name. values.py reads values, weights.py
tensors, codes.py code. A class says by a method `known_by()` what its objects are known by, where that is not all that
they hold.
"""

from .values import NoContent, code_digest, code_digests, content, digest

__all__ = ["NoContent", "code_digest", "code_digests", "content", "digest"]

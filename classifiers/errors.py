"""What can go wrong with a classifier.

    ClassifierError
    └── ModelUnavailable    weights missing, truncated, of the wrong shape, or of a name that nobody wrote

A message says what was tried, where, and what to do about it. It never holds the text of a comment.
"""


class ClassifierError(Exception):
    """Something is wrong with a classifier; the comments are not at fault."""


class ModelUnavailable(ClassifierError):
    """The classifier cannot be loaded. Comments go to people until it can."""

"""The one base of every error we expect."""


class NarrawatchError(Exception):
    """Something a user can mend. The message is one line that says what, where, and how to mend it."""

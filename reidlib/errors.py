"""The one error for bad input, and the one warning."""


class ReidError(Exception):
    """Bad input from outside: one sentence that names the file, the number and the remedy.

    The command line prints the sentence and leaves with exit code 2; anything else that is
    raised is a fault of this package and shows its traceback.
    """


class ReidWarning(UserWarning):
    """Something from outside that was left out or mended; one sentence, as the command line tells.

    Elsewhere it is a warning like any other.
    """

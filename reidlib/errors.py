"""The one error for bad input."""


class ReidError(Exception):
    """Bad input from outside: one sentence that names the file, the number and the remedy.

    The command line prints the sentence and leaves with exit code 2; anything else that is
    raised is a fault of this package and shows its traceback.
    """

"""The one exception that a user sees."""


class InputError(Exception):
    """Input that cannot be used.

    The message is one sentence that a user can act on: which file, sheet, row and column, what was found,
    what was expected and what to do. ``chinese``: its Chinese form where it holds sentences about a study, of which the
    catalogue of the command line has none.
    """

    chinese: str = ""

"""What keeps a workflow from being run in a test. A run that fails is no error: its outcome says so.

::

    KitError
    ├── DefinitionFaultsError    a definition has faults; all of them are listed
    ├── RefusedError             the input or a decision does not fit
    └── UnfinishedError          the run did not come to an end within the limit
"""


class KitError(Exception):
    """Base of everything that this package raises."""


class DefinitionFaultsError(KitError):
    """A definition has faults."""


class RefusedError(KitError):
    """The workflow did not take its input, or a pause its decision.

    Attributes:
        code: why, for programs, such as ``FORM_INVALID``.
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class UnfinishedError(KitError):
    """Something still ran, or was not even checked, when the limit was over. The message names it."""

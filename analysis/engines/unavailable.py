"""When an engine cannot be used here."""


class EngineUnavailableError(RuntimeError):
    """The engine that was asked for cannot run or be reached; the sentence says what to do."""

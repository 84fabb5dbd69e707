"""Where an exception came from, told without its words."""

import traceback


def places(error: BaseException, most: int = 5) -> list[str]:
    """Return the innermost places of a traceback as `module:line`, without any values.

    Of an exception group the first member is followed, down to a plain exception.
    """
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    frames = list(traceback.walk_tb(error.__traceback__))[-most:]
    return [f"{frame.f_globals.get('__name__', '?')}:{line}" for frame, line in frames]

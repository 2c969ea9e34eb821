"""Tell the work in hand that its worker is asked to stop.

Celery's parent process hears the signal, its children do the work: the flag is shared
memory, made before they are forked.
"""

import multiprocessing

_STOPPING = multiprocessing.Event()


def ask_to_stop() -> None:
    """Ask everything that runs in this process and its children to come to an end."""
    _STOPPING.set()


def is_stopping() -> bool:
    """Tell whether no new work should be begun."""
    return _STOPPING.is_set()

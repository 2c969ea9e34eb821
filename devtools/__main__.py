"""``python -m devtools NAME``: what the scripts in ``bin/`` call."""

import sys
from collections.abc import Callable
from importlib import import_module

from devtools import check, serve, showcase, suite
from devtools.processes import Interrupts
from devtools.say import Trouble, complain


def _screens(arguments: list[str]) -> int:
    # Playwright is there for development only; a server is started without it.
    return int(import_module("devtools.screens").main(arguments))


_COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "serve": serve.main,
    "demo": showcase.main,
    "test": suite.main,
    "check": check.main,
    "fmt": check.reformat,
    "screens": _screens,
}


def main() -> int:
    """Run the command and turn what went wrong into one message."""
    command = _COMMANDS.get(sys.argv[1]) if len(sys.argv) > 1 else None
    if command is None:
        complain(f"usage: python -m devtools {'|'.join(_COMMANDS)}")
        return 2
    Interrupts.listen()
    try:
        return command(sys.argv[2:])
    except (Trouble, OSError) as trouble:
        complain(f"\n{trouble}")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())

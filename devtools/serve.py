"""``bin/serve``: the product in the foreground, with every program's log."""

import json

from devtools import places, stack
from devtools.say import Trouble, say


def main(arguments: list[str]) -> int:
    """Serve until Ctrl-C."""
    if arguments:
        raise Trouble("bin/serve takes no arguments; .env.example lists the variables.")
    env = places.base_environment()
    env.setdefault("DEBUG", "1")
    private = not env.get("DATABASE_URL")
    with stack.up(env, show_logs=True) as running:
        try:
            stack.wait_ready(running)
            _welcome(running, private=private)
            running.runner.wait()
        except KeyboardInterrupt:
            say()
    return 0


def _welcome(running: stack.Stack, *, private: bool) -> None:
    say(f"\n  BatchRouter is at {running.address}   (Ctrl-C stops it)")
    if private:
        demo = json.loads(running.manage("make_demo"))
        say(f"  log in as {demo['email']} with the password {demo['password']}")
        say(f"  API key   {demo['api_key']}\n")
    else:
        # Never put a known password into a database that somebody brought.
        say("  log in with an account of your own, or register one\n")

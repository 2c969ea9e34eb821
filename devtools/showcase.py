"""``bin/demo``: start everything, do the main job once over the API, stay up."""

import json
import time

from devtools import demo, places, ports, stack
from devtools.api import Api
from devtools.say import Trouble, say

# The demo never spends anybody's money: without keys every lane is the simulator's, and
# a card pays at the stand-in.
_KEYS = (
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "STRIPE_SECRET_KEY",
    "STRIPE_SECRET_KEY_FILE",
)


def main(arguments: list[str]) -> int:
    """Run the demo; with ``--once`` stop afterwards."""
    if arguments not in ([], ["--once"]):
        raise Trouble("usage: bin/demo [--once]")
    began = time.monotonic()
    env = without_keys(places.base_environment())
    with stack.up(env, show_logs=False) as running:
        account = json.loads(running.manage("make_demo"))
        stack.wait_ready(running)
        api = Api(host=ports.HOST, port=running.port, key=account["api_key"])
        demo.do_main_job(api, running)
        say(f"\nAll of that took {time.monotonic() - began:.0f} seconds.")
        if not arguments:
            _stay(running, account)
    return 0


def without_keys(env: dict[str, str]) -> dict[str, str]:
    """Return the environment without what could reach a real provider or bank."""
    for name in _KEYS:
        if env.pop(name, None):
            say(f"{name} is set aside: the demo simulates providers and payments.")
    return env


def _stay(running: stack.Stack, account: dict[str, str]) -> None:
    say(f"\n  The console is at {running.address}   (Ctrl-C stops everything)")
    say(f"  log in as {account['email']} with the password {account['password']}")
    say(f"  API key   {account['api_key']}")
    say(f"  logs      {places.var_dir() / 'log'}\n")
    try:
        running.runner.wait()
    except KeyboardInterrupt:
        say()

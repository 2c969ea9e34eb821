"""The Stripe stand-in of a development stack, and the keys the product gets for it."""

import secrets
from collections.abc import Mapping
from pathlib import Path

from devtools import ports

PROGRAM = "stripe"
PORT_NAME = "STRIPE_STANDIN_PORT"
PORT = 9500
# Any key of this form opens the stand-in, and none of them opens Stripe.
_KEY = "sk_test_" + "standin0" * 4
_SECRET_BYTES = 24


def has_own_key(env: Mapping[str, str]) -> bool:
    """Tell whether the operator brought a Stripe account, so that none is simulated."""
    return bool(env.get("STRIPE_SECRET_KEY") or env.get("STRIPE_SECRET_KEY_FILE"))


def use_standin(env: dict[str, str], *, folder: Path) -> None:
    """Choose the stand-in's port and point the product at it.

    Args:
        env: of the stack; what it says of Stripe's address and mode is replaced.
        folder: where the secret that signs webhooks stays from start to start.

    Raises:
        Trouble: the port that was asked for is taken.
    """
    port = ports.choose(PORT_NAME, PORT, env)
    env[PORT_NAME] = str(port)
    env["STRIPE_API_BASE"] = f"http://{ports.HOST}:{port}"
    env["STRIPE_SECRET_KEY"] = _KEY
    env["STRIPE_WEBHOOK_SECRET"] = _webhook_secret(folder / "webhook-secret")
    env["STRIPE_LIVE_MODE"] = "0"
    env.pop("STRIPE_ACCOUNT_ID", None)


def _webhook_secret(path: Path) -> str:
    if path.exists():
        return path.read_text()
    path.parent.mkdir(parents=True, exist_ok=True)
    made = f"whsec_{secrets.token_hex(_SECRET_BYTES)}"
    # Whole and private from its first moment, also when this start is cut short.
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(made)
    fresh.rename(path)
    return made

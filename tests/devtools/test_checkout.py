from pathlib import Path

import pytest

from devtools import checkout, ports, runner
from devtools.say import Trouble


def test_the_product_is_pointed_at_the_stand_in(tmp_path: Path) -> None:
    port = ports.any_free()
    env = {"STRIPE_STANDIN_PORT": str(port), "STRIPE_LIVE_MODE": "1"}
    checkout.use_standin(env, folder=tmp_path)

    assert env["STRIPE_API_BASE"] == f"http://127.0.0.1:{port}"
    assert env["STRIPE_SECRET_KEY"] == "sk_test_" + "standin0" * 4
    assert env["STRIPE_WEBHOOK_SECRET"].startswith("whsec_")
    assert env["STRIPE_LIVE_MODE"] == "0"


def test_the_webhook_secret_stays_from_start_to_start(tmp_path: Path) -> None:
    first: dict[str, str] = {}
    second: dict[str, str] = {}
    elsewhere: dict[str, str] = {}
    checkout.use_standin(first, folder=tmp_path)
    checkout.use_standin(second, folder=tmp_path)
    checkout.use_standin(elsewhere, folder=tmp_path / "other")

    assert first["STRIPE_WEBHOOK_SECRET"] == second["STRIPE_WEBHOOK_SECRET"]
    assert first["STRIPE_WEBHOOK_SECRET"] != elsewhere["STRIPE_WEBHOOK_SECRET"]
    assert (tmp_path / "webhook-secret").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["STRIPE_SECRET_KEY", "STRIPE_SECRET_KEY_FILE"])
def test_an_operators_key_is_seen(name: str) -> None:
    assert checkout.has_own_key({name: "sk_test_own"})
    assert not checkout.has_own_key({name: ""})


def test_a_word_is_no_port(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="is no port"):
        checkout.use_standin({"STRIPE_STANDIN_PORT": "no"}, folder=tmp_path)


def test_a_program_left_out_needs_no_variables(tmp_path: Path) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("web: serve\nstripe: stand-in --port $STRIPE_STANDIN_PORT\n")

    assert runner.read_procfile(procfile, {}, without=("stripe",)) == {"web": ["serve"]}
    with pytest.raises(Trouble, match="stripe needs the variable"):
        runner.read_procfile(procfile, {})

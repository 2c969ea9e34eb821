import ast
import re

from django.conf import settings

from devtools import places

READERS = {"text", "flag", "number", "words", "required"}
# Read by the scripts or by Django itself.
NOT_IN_SETTINGS = {
    "DJANGO_SETTINGS_MODULE",
    "PORT",
    "SIMULATOR_PORT",
    "STRIPE_STANDIN_PORT",
}


def _read_by_settings() -> set[str]:
    found = set()
    for path in (places.ROOT / "batchrouter" / "settings").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in READERS
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "env"
                and isinstance(node.args[0], ast.Constant)
            ):
                found.add(str(node.args[0].value))
    return found


def _read_for_providers() -> set[str]:
    names = [name.upper() for name in settings.PROVIDER_API_KEYS]
    return {f"{name}_{part}" for name in names for part in ("API_KEY", "BASE_URL")}


def test_the_example_lists_exactly_what_is_read() -> None:
    example = (places.ROOT / ".env.example").read_text()
    listed = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE))
    assert listed - NOT_IN_SETTINGS == _read_by_settings() | _read_for_providers()

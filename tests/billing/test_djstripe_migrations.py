"""dj-stripe's tables come from one file, which must stand for all of theirs."""

from importlib import import_module
from pathlib import Path

import djstripe

FLATTENED = import_module("billing.djstripe_migrations.0001_flattened")


def test_the_flattened_file_replaces_exactly_what_upstream_has() -> None:
    """An upgrade with new migrations must not pass unseen: generate the file anew."""
    folder = Path(str(djstripe.__file__)).parent / "migrations"
    upstream = sorted(("djstripe", path.stem) for path in folder.glob("0*.py"))
    assert FLATTENED.Migration.replaces == upstream

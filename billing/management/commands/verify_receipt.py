"""Check a receipt's hash and signature, without a network or a database."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from batchrouter.kit import strict_json
from billing.receipts import public_keys
from billing.verification import verify_receipt_document


class Command(BaseCommand):
    """``manage.py verify_receipt receipt.json [--keys keys.json]``."""

    help = "Check a receipt's hash and signature. Exit code 1 where anything differs."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the receipt, as the API gives it")
        parser.add_argument(
            "--keys",
            type=Path,
            help="a saved /.well-known/batchrouter-keys.json; "
            "this server's own key where left out",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        doc = _read(options["file"])
        keys = _keys(_read(options["keys"])) if options["keys"] else _own_keys()
        verdict = verify_receipt_document(doc, keys)
        if not verdict.ok:
            lines = "\n".join(f"  - {problem}" for problem in verdict.problems)
            raise CommandError(f"NOT VALID: {options['file']}\n{lines}")
        receipt = doc["receipt"]
        self.stdout.write(
            f"VALID: {receipt['kind']} receipt {receipt['receipt_id']}, "
            f"number {receipt['number']} of {receipt['org_id']}, "
            f"issued {receipt['issued_at']}\n"
            f"  sha256    {doc['sha256']}\n"
            f"  previous  {doc['previous_sha256']}\n"
            f"  signed by {doc['key_id']}"
        )


def _read(path: Path) -> Any:
    try:
        return strict_json.loads(path.read_bytes())
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}") from error
    except strict_json.StrictJsonError as error:
        raise CommandError(f"NOT VALID: {path}\n  - {error.message}") from error


def _own_keys() -> dict[str, str]:
    return {key["key_id"]: key["public_key"] for key in public_keys()}


def _keys(doc: Any) -> dict[str, str]:
    try:
        return {str(key["key_id"]): str(key["public_key"]) for key in doc["keys"]}
    except (KeyError, TypeError) as error:
        raise CommandError("the keys file has no list of keys") from error

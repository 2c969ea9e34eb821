"""``python -m benchmarks.inside_pages BATCH NUMBER``: many batches, and two logins.

Copies the batch's row and its quote's until the organization has that many, and logs
its owner and an operator in. Prints one line of JSON with the names and values of the
cookies. Needs the product's environment (DATABASE_URL, VAR_DIR).
"""

import json
import sys
import time
from typing import Any

import django


def main() -> None:
    """Make what the pages are to show."""
    django.setup()
    _copy(sys.argv[1], int(sys.argv[2]))
    sys.stdout.write(json.dumps({"member": _member(), "operator": _operator()}) + "\n")


def _copy(batch_id: str, number: int) -> None:
    # Models can be imported only once Django is set up.
    from batches.models import Batch, Quote  # noqa: PLC0415

    batch = Batch.objects.select_related("quote").get(public_id=batch_id)
    missing = number - Batch.objects.filter(org_id=batch.org_id).count()
    quotes = [_fresh(batch.quote) for _ in range(missing)]
    Quote.objects.bulk_create(quotes, batch_size=100)
    batches = [_fresh(batch) for _ in range(missing)]
    for made, quote in zip(batches, quotes, strict=True):
        made.quote = quote
    Batch.objects.bulk_create(batches, batch_size=100)


def _fresh(row: Any) -> Any:
    """Return another row like it, with ids of its own."""
    fields = [field.attname for field in row._meta.concrete_fields]
    values = {name: getattr(row, name) for name in fields}
    return type(row)(**{k: values[k] for k in fields if k not in {"id", "public_id"}})


def _member() -> tuple[str, str]:
    from accounts.models import User  # noqa: PLC0415
    from batches.management.commands.make_demo import EMAIL  # noqa: PLC0415

    return _cookie(User.objects.get(email=EMAIL), methods=[])


def _operator() -> tuple[str, str]:
    from accounts.models import User  # noqa: PLC0415

    user = User.objects.create_superuser("operator@example.com", "benchmarks only")
    code_was_given = {"method": "mfa", "type": "totp", "at": time.time()}
    return _cookie(user, methods=[code_was_given])


def _cookie(user: Any, *, methods: list[dict[str, Any]]) -> tuple[str, str]:
    from allauth.account.internal.userkit import user_id_to_str  # noqa: PLC0415
    from django.conf import settings  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    visitor = Client()
    visitor.force_login(user)
    session = visitor.session
    session["account_authentication_methods"] = methods
    session["account_authentication_methods_user"] = user_id_to_str(user)
    session.save()
    name = settings.SESSION_COOKIE_NAME
    return name, visitor.cookies[name].value


if __name__ == "__main__":
    main()

"""``python -m benchmarks.inside_pages BATCH NUMBER``: many batches, and two logins.

Copies the batch's row and its quote's until the organization has that many, makes one
of them a batch that was retried, and logs its owner and an operator in. Prints one line
of JSON with the id of that batch and the names and values of the cookies. Needs the
product's environment (DATABASE_URL, VAR_DIR).
"""

import json
import sys
import time
from typing import Any

import django

# Of a batch that was retried, each third row failed, and of its retry each tenth.
_FAILED_ONE_IN = 3
_FAILED_AGAIN_ONE_IN = 10


def main() -> None:
    """Make what the pages are to show."""
    django.setup()
    _copy(sys.argv[1], int(sys.argv[2]))
    made = {
        "retried": _retried(sys.argv[1]),
        "member": _member(),
        "operator": _operator(),
    }
    sys.stdout.write(json.dumps(made) + "\n")


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


def _retried(batch_id: str) -> str:
    """Return a batch with the same rows, a third of which failed and ran again."""
    from batches.models import Batch  # noqa: PLC0415

    batch = Batch.objects.select_related("quote").get(public_id=batch_id)
    parent = _with_rows(batch, None, failed_one_in=_FAILED_ONE_IN)
    _with_rows(batch, parent, failed_one_in=_FAILED_ONE_IN * _FAILED_AGAIN_ONE_IN)
    return str(parent.public_id)


def _with_rows(batch: Any, parent: Any, *, failed_one_in: int) -> Any:
    """Return a copy of a batch, or a retry of ``parent``, with rows in its segments."""
    from django.db import connection  # noqa: PLC0415

    from batches.models import ResultRow, WorkUnit  # noqa: PLC0415

    made, made.quote = _fresh(batch), _fresh(batch.quote)
    made.parent = parent
    made.quote.save()
    made.save()
    own = {"batch_id": "%(made)s", "status": _STATUS, "error_code": _ERROR_CODE}
    columns = [str(field.column) for field in ResultRow._meta.concrete_fields]
    sql = _ROWS.format(
        columns=", ".join(f'"{name}"' for name in columns),
        values=", ".join(own.get(name, f'"{name}"') for name in columns),
    )
    every = 1 if parent is None else _FAILED_ONE_IN
    values = {"made": made.pk, "batch": batch.pk, "every": every, "bad": failed_one_in}
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
    rows = ResultRow.objects.filter(batch_id=made.pk)
    unit = _fresh(WorkUnit.objects.filter(batch=batch).first())
    unit.batch, unit.item_count = made, rows.count()
    unit.failed = rows.filter(status="failed").count()
    unit.completed = unit.item_count - unit.failed
    unit.save()
    return made


_STATUS = "CASE seq %% %(bad)s WHEN 0 THEN 'failed' ELSE status END"
_ERROR_CODE = "CASE seq %% %(bad)s WHEN 0 THEN 'provider_overloaded' ELSE '' END"
_ROWS = """
INSERT INTO batches_resultrow ({columns})
SELECT {values} FROM batches_resultrow
 WHERE batch_id = %(batch)s AND seq %% %(every)s = 0
"""


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

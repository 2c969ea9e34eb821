"""What every table holds, to tell whether a call changed anything."""

from functools import lru_cache

from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import connection

# Being seen is no change.
_SEEN = ("last_used_at", "last_seen_at")
_SEEN_TABLES = (Session, UserSession)


def fingerprints() -> dict[str, str]:
    """Return a digest of all rows, by table: every model of every app but sessions."""
    with connection.cursor() as cursor:
        cursor.execute(_query())
        return dict(cursor.fetchall())


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return the tables that differ."""
    return sorted(table for table in before if before[table] != after[table])


@lru_cache
def _query() -> str:
    quote = connection.ops.quote_name
    seen = " ".join(f"- '{column}'" for column in _SEEN)
    tables = sorted(
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model not in _SEEN_TABLES and model._meta.managed
    )
    return " UNION ALL ".join(
        f"SELECT '{table}', coalesce(md5(string_agg(line, '|' ORDER BY line)), '') "
        f"FROM (SELECT (to_jsonb(t) {seen})::text AS line FROM {quote(table)} t) rows"
        for table in tables
    )

from pathlib import Path

import pytest
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder
from pytest_django.fixtures import Settings

from tests.support.calls import client


def test_a_living_process_answers_without_a_database() -> None:
    reply = client().get("/healthz")
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_a_server_with_all_its_parts_is_ready() -> None:
    reply = client().get("/readyz")
    assert reply.status_code == 200
    assert reply.json() == {
        "status": "ok",
        "checks": {"database": "ok", "migrations": "ok", "broker": "ok"},
        "notes": {"spending": "ok"},
    }


@pytest.mark.django_db
def test_a_missing_broker_is_named(settings: Settings, tmp_path: Path) -> None:
    settings.BROKER_DIR = tmp_path / "gone"
    reply = client().get("/readyz")
    assert reply.status_code == 503
    assert reply.json() == {
        "status": "unavailable",
        "checks": {"database": "ok", "migrations": "ok", "broker": "missing"},
        "notes": {"spending": "ok"},
    }


@pytest.mark.django_db
def test_pending_migrations_are_counted() -> None:
    MigrationRecorder.Migration.objects.filter(app="web").delete()
    reply = client().get("/readyz")
    assert reply.status_code == 503
    assert reply.json()["checks"] == {
        "database": "ok",
        "migrations": "1 pending",
        "broker": "ok",
    }


@pytest.mark.django_db
def test_a_database_that_refuses_queries_is_named() -> None:
    with connection.cursor() as cursor, pytest.raises(DatabaseError):
        cursor.execute("SELECT 1 / 0")
    reply = client().get("/readyz")
    assert reply.status_code == 503
    assert reply.json()["checks"] == {
        "database": "unreachable",
        "migrations": "unknown",
        "broker": "ok",
    }


@pytest.mark.django_db
def test_readiness_says_nothing_of_versions_or_addresses() -> None:
    text = client().get("/readyz").content.decode()
    assert "postgres" not in text
    assert "host" not in text

"""The first route version: the weights that the program starts with."""

from datetime import UTC, datetime

from django.db import migrations

# A copy, not an import: a migration must not change when the program's defaults do.
WEIGHTS = {
    "base": {"reliability": 1.0, "cost": 1.0, "latency": 0.4, "quality": 0.25},
    "modes": {
        "cheapest": {"reliability": 0.5, "cost": 4.0, "latency": 0.1, "quality": 0.1},
        "quality_first": {
            "reliability": 1.0,
            "cost": 0.1,
            "latency": 0.2,
            "quality": 4.0,
        },
        "privacy_constrained": {
            "reliability": 1.0,
            "cost": 0.5,
            "latency": 0.4,
            "quality": 0.25,
        },
        "edge_only": {
            "reliability": 1.0,
            "cost": 0.25,
            "latency": 1.0,
            "quality": 0.25,
        },
        "hybrid": {"reliability": 1.0, "cost": 1.0, "latency": 1.0, "quality": 0.5},
    },
    "model_step": 0.05,
    "outcomes_min": 5.0,
    "prior_outcomes": 20.0,
}


def add_first_version(apps, schema_editor):
    versions = apps.get_model("routing", "RouteVersion")
    versions.objects.create(
        # Fixed, so that every installation names it alike.
        public_id="rv_01m808tx000000000000000001",
        name="first",
        weights=WEIGHTS,
        activated_at=datetime(2026, 11, 22, tzinfo=UTC),
    )


class Migration(migrations.Migration):
    dependencies = [("routing", "0001_initial")]

    operations = [
        migrations.RunPython(add_first_version, migrations.RunPython.noop),
    ]

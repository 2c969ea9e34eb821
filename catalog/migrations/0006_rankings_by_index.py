"""Let a ranking read its figures from the index alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_demand_without_orgs")]

    operations = [
        migrations.RemoveConstraint("settleddemand", "settled_demand_once"),
        migrations.AddConstraint(
            "settleddemand",
            models.UniqueConstraint(
                fields=("kind", "provider", "operation", "day", "slug"),
                include=("items", "tokens", "batches", "org_ids"),
                name="settled_demand_once",
            ),
        ),
    ]

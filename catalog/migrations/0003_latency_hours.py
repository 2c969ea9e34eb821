"""Count direct calls by how long they took, an hour a row."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_triggers")]

    operations = [
        migrations.CreateModel(
            name="LatencyHour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("step", models.PositiveSmallIntegerField()),
                ("calls", models.BigIntegerField(default=0)),
                (
                    "offering",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="latency_hours",
                        to="catalog.offering",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["hour"], name="latency_by_hour")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("offering", "hour", "step"), name="latency_hour_once"
                    )
                ],
            },
        ),
    ]

"""Remember a lane's window and its last failures; list offerings as lanes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0003_latency_hours"),
        ("routing", "0003_provider_credential"),
    ]

    operations = [
        migrations.AddField(
            model_name="offeringhealth",
            name="window_calls",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="offeringhealth",
            name="last_failures",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.CreateModel(
            name="Lane",
            fields=[],
            options={"proxy": True, "indexes": [], "constraints": []},
            bases=("catalog.offering",),
        ),
    ]

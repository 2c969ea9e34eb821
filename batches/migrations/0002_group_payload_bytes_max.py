"""The size of a group's largest item, which a provider's job may be too small for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("batches", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="itemgroup",
            name="payload_bytes_max",
            field=models.PositiveIntegerField(db_default=0),
        ),
    ]

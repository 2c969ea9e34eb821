"""Points of a quote's curve are quotes of their own."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("batches", "0002_group_payload_bytes_max"),
    ]

    operations = [
        migrations.AddField(
            model_name="quote",
            name="curve_of",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="points",
                to="batches.quote",
            ),
        ),
    ]

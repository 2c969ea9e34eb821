"""A customer's own server has one name, whatever runs on it: ``compatible``.

It had no offering under its old name, so nothing else can have kept that.
"""

from typing import Any

from django.db import migrations

OLD, NEW = "vllm", "compatible"


def rename(apps: Any, _editor: Any) -> None:
    """Rename the provider, unless a newer loader has added it already."""
    providers = apps.get_model("catalog", "Provider").objects
    if not providers.filter(key=NEW).exists():
        providers.filter(key=OLD).update(key=NEW)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0003_latency_hours")]

    operations = [migrations.RunPython(rename, migrations.RunPython.noop)]

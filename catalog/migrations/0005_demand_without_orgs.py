"""Keep settled demand once for each filter, and of orgs the first three.

What was counted before is carried over. A batch that two providers served on a day is
counted twice where no provider is asked for, because the old rows cannot tell it.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

_CARRY_OVER = """
CREATE TEMPORARY TABLE old_demand ON COMMIT DROP AS SELECT * FROM catalog_settleddemand;
DELETE FROM catalog_settleddemand;
INSERT INTO catalog_settleddemand
       (day, kind, slug, provider, operation, org_id, org_ids, items, tokens, batches)
SELECT day, kind, slug, provider, operation, 0,
       (array_agg(DISTINCT org_id))[1:3], sum(items), sum(tokens), sum(batches)
  FROM (SELECT day, kind, slug, p AS provider, o AS operation, org_id, items, tokens,
               batches
          FROM old_demand, unnest(ARRAY[provider, '']) p, unnest(ARRAY[operation, '']) o
       ) every
 GROUP BY day, kind, slug, provider, operation;
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0004_own_servers_are_compatible")]

    operations = [
        migrations.RemoveConstraint("settleddemand", "settled_demand_once"),
        migrations.RemoveIndex("settleddemand", "settled_demand_window"),
        migrations.AddField(
            "settleddemand",
            "org_ids",
            django.contrib.postgres.fields.ArrayField(
                models.BigIntegerField(), default=list
            ),
        ),
        migrations.RunSQL(_CARRY_OVER, migrations.RunSQL.noop),
        migrations.RemoveField("settleddemand", "org_id"),
        migrations.AddConstraint(
            "settleddemand",
            models.UniqueConstraint(
                fields=("kind", "provider", "operation", "day", "slug"),
                name="settled_demand_once",
            ),
        ),
    ]

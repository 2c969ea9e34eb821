from django.db import migrations, models

# What the batches of each day cost, as their settlement adds it from now on.
COSTS = """
UPDATE batches_settledday d SET cost_nanousd = s.cost
  FROM (SELECT b.org_id, (b.completed_at AT TIME ZONE 'UTC')::date AS day,
               sum(e.cost_nanousd + e.ambiguous_nanousd) AS cost
          FROM batches_batch b
          JOIN batches_quote q ON q.id = b.quote_id AND NOT q.is_test
          JOIN batches_execution e ON e.batch_id = b.id
         WHERE b.is_rolled_up AND NOT b.is_sample
         GROUP BY 1, 2) s
 WHERE s.org_id = d.org_id AND s.day = d.day
"""


class Migration(migrations.Migration):

    dependencies = [
        ('batches', '0016_retention'),
    ]

    operations = [
        migrations.AddField(
            model_name='settledday',
            name='cost_nanousd',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddIndex(
            model_name='settledday',
            index=models.Index(fields=['day'], name='settled_day_by_day'),
        ),
        migrations.AddIndex(
            model_name='execution',
            index=models.Index(condition=models.Q(('ended_at__isnull', False)), fields=['ended_at'], name='execution_by_end'),
        ),
        migrations.RunSQL(COSTS, migrations.RunSQL.noop),
    ]

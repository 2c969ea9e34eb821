from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Rows are written while the index is made. Where that is interrupted, an invalid
    # index stays: drop it (DROP INDEX row_not_completed) and migrate again.
    atomic = False

    dependencies = [
        ('batches', '0018_batches_in_words'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='resultrow',
            index=models.Index(condition=models.Q(('status', 'completed'), _negated=True), fields=['batch_id', 'seq'], include=('status', 'error_code'), name='row_not_completed'),
        ),
    ]

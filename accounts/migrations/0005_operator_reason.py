from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_retention'),
    ]

    operations = [
        migrations.AddField(
            model_name='operatoraction',
            name='reason',
            field=models.CharField(blank=True, db_default='', max_length=300),
        ),
        migrations.AddIndex(
            model_name='operatoraction',
            index=models.Index(fields=['path', '-id'], name='action_by_path'),
        ),
    ]

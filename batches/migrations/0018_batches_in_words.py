from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('batches', '0017_operator_figures'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='batch',
            options={'verbose_name_plural': 'batches'},
        ),
    ]

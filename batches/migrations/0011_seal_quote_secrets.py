"""Seal the webhook secrets that quotes were stored with in clear."""

from django.conf import settings
from django.db import migrations

from batches.delivery.secrets import sealer_of
from batchrouter.kit.hashing import canonical_json, sha256_hex


def _sealer():
    return sealer_of(settings.CREDENTIALS_KEYS or [settings.SECRET_KEY])


def _quotes(apps):
    quotes = apps.get_model("batches", "Quote").objects.select_related("manifest__file")
    return quotes.filter(spec__has_key="webhook_secret").exclude(
        spec__webhook_secret=None
    )


def _fingerprint(quote, secret):
    spec = {**quote.spec, "webhook_secret": secret}
    canonical = canonical_json({"file": quote.manifest.file.sha256, "spec": spec})
    return sha256_hex(canonical)


def seal(apps, schema_editor):
    sealer = _sealer()
    for quote in _quotes(apps).iterator(chunk_size=200):
        secret = quote.spec["webhook_secret"]
        # Only one that still answers to its manifest may be named anew.
        if quote.fingerprint == _fingerprint(quote, secret):
            quote.fingerprint = _fingerprint(quote, None)
        quote.spec["webhook_secret"] = sealer.seal(secret)
        quote.save(update_fields=["spec", "fingerprint"])


def unseal(apps, schema_editor):
    sealer = _sealer()
    for quote in _quotes(apps).iterator(chunk_size=200):
        secret = sealer.unseal(quote.spec["webhook_secret"])
        if quote.fingerprint == _fingerprint(quote, None):
            quote.fingerprint = _fingerprint(quote, secret)
        quote.spec["webhook_secret"] = secret
        quote.save(update_fields=["spec", "fingerprint"])


class Migration(migrations.Migration):
    dependencies = [("batches", "0010_webhooks")]

    operations = [migrations.RunPython(seal, unseal)]

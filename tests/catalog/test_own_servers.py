"""The one name of a customer's own server."""

from importlib import import_module

import pytest
from django.apps import apps

from catalog.models import Provider
from tests.factories.catalog import ProviderFactory

rename = import_module("catalog.migrations.0004_own_servers_are_compatible").rename


@pytest.mark.django_db
def test_the_old_name_becomes_the_new_one_and_keeps_its_switches() -> None:
    old = ProviderFactory.create(key="vllm", enabled=False)

    rename(apps, None)

    row = Provider.objects.get()
    assert (row.pk, row.key, row.enabled) == (old.pk, "compatible", False)


@pytest.mark.django_db
def test_a_row_that_was_loaded_under_the_new_name_stays_the_only_one_of_it() -> None:
    ProviderFactory.create(key="vllm")
    new = ProviderFactory.create(key="compatible")

    rename(apps, None)

    assert Provider.objects.get(key="compatible").pk == new.pk
    assert Provider.objects.get(key="vllm").pk != new.pk

"""Where webhooks of this server may go, by its settings."""

from dataclasses import replace
from functools import lru_cache

from django.conf import settings

from batchrouter.kit import destinations
from batchrouter.kit.destinations import Rules


def rules() -> Rules:
    """Return what may be called: in production public addresses over HTTPS only."""
    return _rules(settings.APP_ENV, tuple(settings.WEBHOOK_REFUSED_NETWORKS))


@lru_cache(maxsize=8)
def _rules(app_env: str, refused: tuple[str, ...]) -> Rules:
    is_strict = app_env == "production"
    base = destinations.PUBLIC if is_strict else destinations.DEVELOPMENT
    return replace(base, refused=destinations.networks(refused))

"""Settings: ``base`` for development, and what differs in tests and production."""

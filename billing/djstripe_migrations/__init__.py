"""dj-stripe's tables in one step (docs/decisions/0010)."""

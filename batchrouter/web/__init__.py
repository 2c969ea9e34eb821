"""What every HTTP door shares: errors, parsing, pages of lists, idempotency, health."""

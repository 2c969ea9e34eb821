"""Which lane: adapters, scoring, planning, observed health and trust."""

"""People, organizations and keys: who calls, and for whom."""

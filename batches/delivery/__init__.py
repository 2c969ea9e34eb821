"""Webhooks out, after they were written down: schedule, signatures, sending."""

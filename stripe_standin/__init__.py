"""Stripe on one machine: its wire format, a checkout page and signed webhooks."""

"""Campaigns that prove a promise of the product by measuring it."""

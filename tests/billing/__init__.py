"""Tests of money, on a real PostgreSQL."""

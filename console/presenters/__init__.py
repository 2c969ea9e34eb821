"""Rows and JSON of the apps to the frozen values that templates show."""

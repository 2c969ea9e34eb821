"""The doors of the console: read, call once, render."""

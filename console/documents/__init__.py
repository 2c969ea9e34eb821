"""The documentation: markdown under docs/, tables from the code, the API reference."""

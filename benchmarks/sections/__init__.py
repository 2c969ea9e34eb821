"""The measurements, one module for each section of ``docs/performance.md``."""

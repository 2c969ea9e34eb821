"""The engine: claims work units, runs them on lanes, records rows."""

"""The HTTP doors of the main job: read, call one function, answer."""

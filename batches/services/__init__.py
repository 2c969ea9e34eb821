"""Write functions of the main job, one topic a file."""

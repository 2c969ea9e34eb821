"""What the scripts in ``bin/`` are made of; it imports nothing of the application."""

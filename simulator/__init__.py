"""A provider on one machine: OpenAI's wire format with scripted faults."""

"""Letters to people: an outbox, sent after the commit and never twice."""

"""Facts of a customer's past jobs, read from files of other providers."""

"""Pure: the name of a kind of work, under which its quality is learned."""


def workload_key(*, workflow: str | None, operation: str) -> str:
    """Name the kind of work that a group of items is.

    Args:
        workflow: the slug of the workflow product that the manifest names.
        operation: of the items.
    """
    return f"{workflow or 'model'}:{operation}"

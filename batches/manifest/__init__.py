"""Reading what a customer sends: the envelope, the items, and their token counts."""

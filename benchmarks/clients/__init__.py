"""What the product is compared with: small programs that send a file of items.

They run in a venv of their own (``requirements.txt``) and import nothing of ours but
each other.
"""

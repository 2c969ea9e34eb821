"""The doors of accounts: who somebody is, and what they look after."""

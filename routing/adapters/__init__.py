"""How each provider's wire format is spoken. No framework in here."""

"""What Stripe tells us: the door, the inbox, what each event does, and asking back."""

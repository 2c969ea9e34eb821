"""What can be bought: providers, models, offerings with dated prices, workflows."""

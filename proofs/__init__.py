"""Long proofs of what the tests prove in short."""

"""What a request leaves behind, and the proof that a restore leaves nothing of it."""

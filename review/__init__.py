"""What analysts do: decide on flags, and bring in what they found elsewhere."""

"""Articles against narratives: channels (lexical, semantic), fused to one calibrated score, with the evidence."""

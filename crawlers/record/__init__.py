"""Recording an outlet: from the address of its home page to an outlet file, with what was tried on the way."""

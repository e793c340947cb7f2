"""One spider per platform; an outlet's file only says which it uses."""

"""Solutions with one change each: what a check must not let through."""

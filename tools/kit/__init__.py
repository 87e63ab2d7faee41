"""What goes into the kit for a workshop without a network."""

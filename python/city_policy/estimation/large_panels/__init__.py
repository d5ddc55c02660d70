"""What is for panels of any size: cross products from a database or from sorted rows."""

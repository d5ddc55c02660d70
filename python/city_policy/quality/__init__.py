"""Distribution and panel plausibility of the marts."""

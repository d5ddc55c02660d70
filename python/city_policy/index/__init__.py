"""Index methods: frontier productivity, component weights, coupling coordination."""

"""Index methods: frontier productivity, component weights, coupling coordination."""

from city_policy import threads  # noqa: F401  (limits the linear-algebra threads)

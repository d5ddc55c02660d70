"""Estimators and the record that all of them write."""

from city_policy import threads  # noqa: F401  (limits the linear-algebra threads)

"""Estimators and the record that all of them write.

- ``contract``: what is asked: specification, panel, request, record, and the one runner;
- ``computation``: what computes: least squares with fixed effects, and resampling on cross products;
- ``estimators``: what estimates: one module per estimator, a pure function of a request;
- ``large_panels``: cross products of panels that do not fit in memory.
"""

from city_policy import threads  # noqa: F401  (limits the linear-algebra threads)

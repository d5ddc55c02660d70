"""What estimates: one module per estimator, each a pure function of a request."""

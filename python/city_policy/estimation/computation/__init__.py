"""What computes: least squares with fixed effects, and resampling on cross products."""

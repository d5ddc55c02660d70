"""What an estimator is asked and what it answers: specification, panel, request, record, and the one runner."""

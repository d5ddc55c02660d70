"""Estimators and the record that all of them write."""

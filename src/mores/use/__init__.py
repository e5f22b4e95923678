"""A study's arm into use: weights with their prompt format (export), and traffic seen (watch)."""

"""An arm in use: a sample of what it answers against what the study saw of it."""

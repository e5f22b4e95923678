"""Step 5a: automatic measures of what a model writes, one sub-package each."""

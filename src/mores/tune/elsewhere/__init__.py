"""Arms tuned by others: at hosts, or before the study began."""

"""Services on the network: one careful request, its key, its waits and retries."""

"""One arm tuned by several processes, each of which holds a part of the weights."""

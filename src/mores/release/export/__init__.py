"""An arm's weights for other programs: adapter, merged, GGUF, Ollama, vLLM; checked on the way."""

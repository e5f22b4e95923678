"""The engine vLLM, in a process and, where its pins clash with ours, an environment of its own."""

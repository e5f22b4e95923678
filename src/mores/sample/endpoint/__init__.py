"""The engine behind an address: any OpenAI-compatible service."""

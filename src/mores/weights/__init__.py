"""Where models come from and how they run: bundled, Hub, folder or GGUF; identified by digest."""

from mores.weights.listing import KnownModel, list_assets, list_models
from mores.weights.resolve import ResolvedModel

__all__ = ["KnownModel", "ResolvedModel", "list_assets", "list_models"]

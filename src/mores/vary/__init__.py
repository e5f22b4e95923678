"""Variants of a study side by side: other recipes, fewer samples."""

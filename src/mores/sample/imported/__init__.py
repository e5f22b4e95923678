"""Answers of any system, brought as a table: texts, images, sounds, films (`docs/outputs.md`)."""

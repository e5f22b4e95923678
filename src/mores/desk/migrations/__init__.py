"""Migrations of the desk database (`mores.web.schema`)."""

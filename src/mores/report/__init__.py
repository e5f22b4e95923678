"""Step 6: tables, figures and one self-contained page from what the steps have left."""

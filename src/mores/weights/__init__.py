"""Where weights come from: bundled, Hub, folder or GGUF; identified by digest."""

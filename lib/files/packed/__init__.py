"""What a file is packed in: told by content, opened within bounds."""

"""Plain text: its encoding, where the table is in it, its rows, large ones block by block."""

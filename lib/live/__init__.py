"""Live candles: one feed per series in a process, read by as many sessions as there are."""

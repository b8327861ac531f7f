"""How pictures are read: `queue` bounds what waits, `work` runs in the worker processes, `digits` batches digits."""

"""Worker processes with a deadline and a limit of memory, for batches and the server."""

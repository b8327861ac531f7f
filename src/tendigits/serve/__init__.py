"""The page and the REST API over the reader, and the store of what people correct."""

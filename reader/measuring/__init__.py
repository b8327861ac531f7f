"""Pictures to measure the reader on: lines, pages, tables and documents of digits, drawn by nothing that trains it."""

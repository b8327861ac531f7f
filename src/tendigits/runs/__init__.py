"""Run folders: everything about one training, in files with checked contents."""

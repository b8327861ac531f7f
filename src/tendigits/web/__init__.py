"""The files of the pages: what the server, the exported page and the notebook show in a browser."""

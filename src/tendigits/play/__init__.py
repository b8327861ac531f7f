"""The playground: networks that learn step by step in a process of their own, seen while they do.

`worker` is the process, `session` starts it and talks to it; the page and the routes are in tendigits.serve.
"""

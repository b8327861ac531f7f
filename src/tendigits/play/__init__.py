"""The playground: networks that learn step by step in a child process, and what a page shows of them meanwhile.

`worker` is the process, `session` starts it and talks to it; the page and the routes are in tendigits.serve.
"""

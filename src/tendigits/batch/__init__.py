"""Many pictures at a time: tendigits read, a pool of processes, tables, and Ray.

Sources list and fetch the pictures; workers read them.
"""

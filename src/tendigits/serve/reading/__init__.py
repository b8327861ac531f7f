"""How pictures of many senders are read at the same time: in turn, in processes, and within a time.

fair_queue: who is next; pages: the processes that read; work: what they do; digits, digit_pool, batching: pictures of
one digit.
"""

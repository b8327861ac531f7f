"""From a page's grey pixels to the numbers written on it: detect them, crop them, read each once.

Two small networks, run by onnxruntime, see the grey picture; nothing is binarised first.
"""

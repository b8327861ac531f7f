"""From a page's grey pixels to what is written in its numbers: find them, cut them out, read each in several views.

Two small networks, run by onnxruntime, see the picture as it is; nothing is made black and white first.
"""

"""Where digits come from: MNIST, files and folders, checked before anything uses them.

preprocess is the one place where pixels become network input, for training and for reading.
"""

"""Where pixels and labels come from, checked before use.

    load.load()          MNIST, an .npz, a folder of IDX files or a folder of pictures -> Dataset
    mnist.load_data()    what keras.datasets.mnist.load_data() returns, also with no network
    prepare              the only place where pixels become network input

Nothing heavy is imported here: no Keras, no JAX; Pillow, scikit-learn and pooch inside the functions that need them.
"""

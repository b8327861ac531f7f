"""From an untrusted picture to digits with probabilities, or "not a digit".

    photo (in data)      bytes -> grey pixels
    ink                  grey pixels -> white ink on black, paper and shade gone
    segment              ink -> blobs, in lines, in reading order
    network              28x28 patches -> probabilities, by onnxruntime
    reader               all of it: Reader().read(image) -> Page

Nothing here imports Keras or JAX, but for a person's own network.
"""

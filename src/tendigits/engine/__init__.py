"""tendigits.fit: model.fit for any Keras model whose data fits in memory, compiled into few dispatches.

It knows no recipe and no digits.
"""

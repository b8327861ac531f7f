"""`tendigits.fit`: `model.fit` for any Keras model whose data fits in memory, with many steps in each compiled call."""

"""tendigits.Pad: a drawing pad in Jupyter, VS Code and Colab, read by a network."""

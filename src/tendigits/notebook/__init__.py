"""tendigits.Pad: a pad in Jupyter, VS Code and Colab, on which a network reads what is drawn."""

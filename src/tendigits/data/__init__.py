"""Where digits come from, MNIST, files and folders, and how pixels become network input."""

"""Real handwriting that may be learned from: strings of known text, digits of many people, words, and empty paper."""

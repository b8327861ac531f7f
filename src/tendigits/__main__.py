"""`python -m tendigits` is the command `tendigits`."""

from tendigits.cli import main

main()

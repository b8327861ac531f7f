"""The edge of `tendigits serve`: what bounds a connection and a request before the application sees it."""

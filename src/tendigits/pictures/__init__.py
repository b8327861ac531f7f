"""From the bytes of a picture or a document to grey pixels, within limits."""

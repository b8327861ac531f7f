"""HTML, styles and JavaScript of the server's page, the exported page and the notebook's pad."""

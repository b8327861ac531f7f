"""tendigits serve: the page and the REST API.

Routes are in routes/, the page's HTML, CSS and JavaScript in page/.
"""

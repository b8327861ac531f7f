"""tendigits serve: the web page and the REST API.

routes/ holds the API, one router per module; page/ holds the page's HTML, CSS and JavaScript.
"""

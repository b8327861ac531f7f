"""tendigits serve: the web page and the REST API.

routes/ holds the API, one router per module. The pages are in web/.
"""

"""Tables on a page: their ruled lines, rows and columns, as cells of a spreadsheet.

table = tendigits.Reader().read("marks.jpg").table()
"""

"""Tables on a page: their ruled lines, rows and columns, as cells of a spreadsheet, checked by their sums.

table = tendigits.Reader().read("marks.jpg").table()
"""

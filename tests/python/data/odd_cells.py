"""Made odd_cells.xls, with xlwt 1.3.0 (which the project does not need): python tests/python/data/odd_cells.py."""

import datetime
from pathlib import Path

import xlwt

book = xlwt.Workbook(encoding="utf-8")
sheet = book.add_sheet("1")
for column, label in enumerate(["城市", "City", "地区生产总值(万元)", "第三产业比重(%)", "年末总人口(万人)"]):
    sheet.write(0, column, label)
cities = [("北京市", "Beijing", 54405999, 0.761), ("天津市", "Tianjin", 61030600, 0.462)]
cities += [("石家庄市", "Shijiazhuang", 12504400, 0.401), ("唐山市", "Tangshan", 9000000, 0.333)]
for row, (name, english, gdp, share) in enumerate(cities, 1):
    sheet.write(row, 0, name)
    sheet.write(row, 1, english)
    sheet.write(row, 2, gdp)
    sheet.write(row, 3, share, xlwt.easyxf(num_format_str="0.0%"))
    sheet.write(row, 4, 1000.5 + row)
sheet.write(5, 0, "邯郸市")
sheet.row(5).set_cell_error(2, "#DIV/0!")
sheet.row(5).set_cell_boolean(3, True)
sheet.write(5, 4, xlwt.Formula("1+1"))
sheet.write(6, 0, "邢台市")
sheet.write(6, 2, datetime.date(2012, 1, 1), xlwt.easyxf(num_format_str="yyyy-mm-dd"))
sheet.write(6, 4, 123456, xlwt.easyxf(num_format_str="#,##0,"))
sheet.write(7, 0, "保定市")
sheet.write(7, 2, 7.0)
sheet.row(7).hidden = True
sheet.write(1, 6, "hidden note")
sheet.col(6).hidden = True
draft = book.add_sheet("draft")
draft.write(0, 0, "x")
draft.visibility = 1
book.save(Path(__file__).with_suffix(".xls"))

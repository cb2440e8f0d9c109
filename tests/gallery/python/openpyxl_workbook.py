"""A spreadsheet that is written and read again."""

import io

import openpyxl


def main(params):
    book = openpyxl.Workbook()
    for number in range(params["n"]):
        book.active.append([f"item {number}", number * 1.5])
    file = io.BytesIO()
    book.save(file)
    sheet = openpyxl.load_workbook(file).active
    return {"rows": [[cell.value for cell in row] for row in sheet.iter_rows()]}

"""An invoice in PDF."""

import io

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen import canvas


def main(params):
    file = io.BytesIO()
    page = canvas.Canvas(file, pagesize=A4, invariant=1)
    for number in range(params["n"]):
        page.drawString(100, 700 - 20 * number, f"item {number}")
    page.save()
    return {"bytes": len(file.getvalue()), "is_pdf": file.getvalue().startswith(b"%PDF")}

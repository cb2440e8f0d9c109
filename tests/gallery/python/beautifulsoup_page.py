"""A page that is parsed and searched."""

from bs4 import BeautifulSoup


def main(params):
    rows = "".join(f"<p class='row'>order {number}<br>" for number in range(params["n"] * 20))
    page = BeautifulSoup(f"<html><body>{rows}", "html.parser")
    return {"rows": len(page.find_all("p", class_="row")), "last": page.select("p")[-1].get_text()}

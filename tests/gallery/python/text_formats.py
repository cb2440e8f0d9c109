"""Documents in JSON, CSV, XML, INI and a message with attachments."""

import configparser
import csv
import email.message
import io
import json
import xml.etree.ElementTree as ET


def main(params):
    rows = [{"item": f"item {number}", "price": number * 1.5} for number in range(params["n"])]
    text = io.StringIO()
    writer = csv.DictWriter(text, ["item", "price"])
    writer.writeheader()
    writer.writerows(rows)
    root = ET.Element("items")
    for row in rows:
        ET.SubElement(root, "item", name=row["item"]).text = str(row["price"])
    config = configparser.ConfigParser()
    config.read_dict({"shop": {"items": str(len(rows))}})
    message = email.message.EmailMessage()
    message["Subject"] = "Order"
    message.set_content("Your order")
    message.add_attachment(text.getvalue().encode(), maintype="text", subtype="csv", filename="order.csv")
    return {
        "json": json.loads(json.dumps(rows)),
        "csv": len(list(csv.reader(io.StringIO(text.getvalue())))),
        "xml": ET.tostring(root, encoding="unicode"),
        "ini": config.getint("shop", "items"),
        "attachments": [part.get_filename() for part in message.iter_attachments()],
    }

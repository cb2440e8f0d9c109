"""A picture that is drawn, blurred, turned and compressed."""

import io

from PIL import Image, ImageDraw, ImageFilter


def main(params):
    picture = Image.new("RGB", (400, 400), "red")
    ImageDraw.Draw(picture).ellipse((50, 50, 50 + params["n"] * 40, 300), fill="blue")
    picture = picture.filter(ImageFilter.GaussianBlur(3)).rotate(30).resize((200, 200))
    file = io.BytesIO()
    picture.save(file, "JPEG")
    return {"bytes": len(file.getvalue()), "pixel": picture.getpixel((100, 100))}

"""Input that is checked by a model, and a model that the request makes."""

import pydantic


class Order(pydantic.BaseModel):
    item: str
    count: pydantic.PositiveInt


def main(params):
    order = Order.model_validate_json(f'{{"item": "gear", "count": "{params["n"]}"}}')
    try:
        Order(item="gear", count=-1)
    except pydantic.ValidationError as error:
        problems = [problem["type"] for problem in error.errors()]
    made = pydantic.create_model("Made", number=(int, ...))
    return {"order": order.model_dump(), "problems": problems, "made": made(number="3").number}

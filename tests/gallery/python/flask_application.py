"""A Flask application that is asked in memory, with sessions and a global."""

import flask

application = flask.Flask("orders")
application.secret_key = "made up"
visits = []


@application.get("/<int:number>")
def order(number):
    visits.append(number)
    flask.session["last"] = number
    flask.g.number = number
    return {"visits": visits, "last": flask.session["last"]}


def main(params):
    with application.test_client() as client:
        for number in range(params["n"]):
            answer = client.get(f"/{number}").get_json()
    return answer

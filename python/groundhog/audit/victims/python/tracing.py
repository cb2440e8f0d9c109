"""An audit hook, which no program can take away again, and a profile function."""

import sys

events = []
hooked = 0


def main(params):
    global hooked
    secret = params["secret"]
    events.clear()
    sys.audit("victim.look")
    seen = {"heard": len(events), "profile": sys.getprofile() is not None, "hooked": hooked}

    def hook(event, arguments):
        if event == "victim.look":
            events.append(secret)

    sys.addaudithook(hook)
    hooked += 1
    sys.setprofile(lambda frame, event, argument: None)
    return seen

"""A counter in a module global."""

count = 0


def main(params):
    global count
    count += 1
    return {"count": count}

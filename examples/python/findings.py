"""A cloud audit that keeps its findings in a module-level list.

On its first call in a process it is right. A warm process never empties the list: the report of one account
then has the findings of every account that was audited before.
"""

FINDINGS = []


def check_buckets(account, buckets):
    for bucket in buckets:
        if bucket.get("public"):
            FINDINGS.append(f"{account}: bucket {bucket['name']} is public")


def main(params):
    check_buckets(params["account"], params["buckets"])
    return {"account": params["account"], "findings": FINDINGS}

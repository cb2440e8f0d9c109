"""Clients of AWS: a call that is signed, one to a port where nobody listens, and names of objects."""

import boto3
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

client = boto3.client(
    "s3",
    region_name="eu-central-1",
    aws_access_key_id="made-up",
    aws_secret_access_key="made-up",
    endpoint_url="http://127.0.0.1:9",
    config=Config(retries={"max_attempts": 0}),
)


def main(params):
    url = client.generate_presigned_url(
        "get_object", Params={"Bucket": "orders", "Key": f"{params['n']}.txt"}
    )
    try:
        client.list_buckets()
    except EndpointConnectionError as error:
        return {"path": url.partition("?")[0], "error": type(error).__name__}

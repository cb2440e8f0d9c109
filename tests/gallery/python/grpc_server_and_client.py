"""A gRPC server and its client in one request, by threads of gRPC."""

from concurrent.futures import ThreadPoolExecutor

import grpc

METHODS = {"Double": grpc.unary_unary_rpc_method_handler(lambda request, _: request * 2)}


def main(params):
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_registered_method_handlers("shop.Orders", METHODS)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("shop.Orders", METHODS)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        double = channel.unary_unary("/shop.Orders/Double")
        answers = [double(f"{number};".encode(), timeout=10).decode() for number in range(params["n"])]
    server.stop(None).wait()
    return {"answers": answers}

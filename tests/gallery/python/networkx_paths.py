"""Graphs: shortest paths and a ranking."""

import networkx as nx

graph = nx.path_graph(300)


def main(params):
    graph.add_edge(0, 300 - params["n"])
    ranks = nx.degree_centrality(graph)
    return {
        "path": len(nx.shortest_path(graph, 0, 299)),
        "best": max(ranks, key=ranks.get),
        "edges": graph.size(),
    }

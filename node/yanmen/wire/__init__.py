"""The only door to gRPC on the node: server, services, errors and generated stubs."""

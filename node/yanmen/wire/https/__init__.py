"""The node's interfaces as JSON over HTTPS, beside gRPC and through the same gate."""

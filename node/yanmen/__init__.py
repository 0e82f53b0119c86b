"""雁门: the trusted process of one node, its client and its tools."""

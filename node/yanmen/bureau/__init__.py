"""The catalogue service (目录服务) of a data bureau: entries of all nodes, needs, and what is disclosed of them."""

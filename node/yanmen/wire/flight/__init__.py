"""Arrow Flight SQL beside our own services: for stock drivers, on the same port, through the same gate."""

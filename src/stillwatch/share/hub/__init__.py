"""The hub: a TAXII 2.1 server that rivals can trust."""

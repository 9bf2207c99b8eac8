"""Attacks on a service of the protocol, from outside, over sockets. See README.md."""

"""Refuse every connection to another host, where the system itself cannot cut the network off.

Python imports this file by itself when its folder is on PYTHONPATH.
"""

import socket

LOCAL = ("127.", "::1", "localhost", "0.0.0.0")
_connect = socket.socket.connect
_getaddrinfo = socket.getaddrinfo


def _connect_locally(self, address):
    host = address[0] if isinstance(address, tuple) else "localhost"
    if not str(host).startswith(LOCAL):
        raise OSError(f"no network in this test: connection to {host} refused")
    return _connect(self, address)


def _look_up_locally(host, *args, **kwargs):
    name = host.decode() if isinstance(host, bytes) else host
    if name and not str(name).startswith(LOCAL):
        raise socket.gaierror(f"no network in this test: look-up of {name} refused")
    return _getaddrinfo(host, *args, **kwargs)


socket.socket.connect = _connect_locally
socket.getaddrinfo = _look_up_locally

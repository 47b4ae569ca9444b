#!/usr/bin/python3
"""DHT nodes of libtorrent (Debian's python3-libtorrent, or the one in a folder), as a program of the interop tests.

    libtorrent_nodes.py [--packages FOLDER] --nodes 8 --bind 127.0.0.1 [--port 6881] [--bootstrap HOST:PORT,...]

Prints {"event":"testnet","addresses":[...]} when every node knows all others, and ends with its standard input. Each node is
a session without torrents. The limits per address, which protect public nodes, are off, because all nodes and clients of a
test share one address.
"""
import argparse
import json
import sys
import time
import warnings

if "--packages" in sys.argv:
    sys.path.insert(0, sys.argv[sys.argv.index("--packages") + 1])

try:
    import libtorrent
except ImportError:
    sys.exit("libtorrent is missing for /usr/bin/python3: apt-get install python3-libtorrent")

STARTED = time.monotonic()


def emit(event, **fields):
    fields.update(event=event, t=round((time.monotonic() - STARTED) * 1000, 3))
    print(json.dumps(fields), flush=True)


def start(ip, port):
    return libtorrent.session(
        {
            "listen_interfaces": f"{ip}:{port}",
            "alert_mask": libtorrent.alert.category_t.error_notification,
            "enable_dht": True,
            "enable_lsd": False,
            "enable_upnp": False,
            "enable_natpmp": False,
            "dht_bootstrap_nodes": "",
            # Many nodes have one address, which is private.
            "dht_restrict_routing_ips": False,
            "dht_restrict_search_ips": False,
            "dht_ignore_dark_internet": False,
            "dht_enforce_node_id": False,
            "dht_block_ratelimit": 1_000_000,
            "dht_upload_rate_limit": 100_000_000,
        }
    )


def known(session):
    """The number of nodes in the routing table that have answered."""
    with warnings.catch_warnings():
        # status() is deprecated for an alert that gives the same number later.
        warnings.simplefilter("ignore", DeprecationWarning)
        return session.status().dht_nodes


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--packages")
    parser.add_argument("--nodes", type=int, default=8)
    parser.add_argument("--bind", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--bootstrap", default="")
    options = parser.parse_args()
    sessions = [start(options.bind, options.port if number == 0 else 0) for number in range(options.nodes)]
    ports = [session.listen_port() for session in sessions]
    others = [node.rsplit(":", 1) for node in options.bootstrap.split(",") if node]
    others = [(host, int(port)) for host, port in others] + [(options.bind, port) for port in ports]
    deadline = time.monotonic() + 30
    waiting = sessions
    while waiting and time.monotonic() < deadline:
        for session in waiting:
            for node in others:
                session.add_dht_node(node)
        time.sleep(0.25)
        waiting = [session for session in waiting if known(session) < options.nodes - 1]
    if waiting:
        sys.exit(f"{len(waiting)} of {options.nodes} libtorrent nodes do not know all others")
    emit("testnet", addresses=[f"{options.bind}:{port}" for port in ports], version=libtorrent.__version__)
    sys.stdin.read()


if __name__ == "__main__":
    main()

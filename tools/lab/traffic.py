#!/usr/bin/env python3
"""The servers and clients that labs run inside their namespaces.

  traffic.py serve http:PORT:TEXT | echo:PORT | sink:PORT | udp:PORT ...
      prints `ready`, then serves until stopped. http answers "TEXT from PEER"; echo sends lines back; sink reads to the
      end and answers length and SHA-256; udp answers "answer to REQUEST from PEER".
  traffic.py send HOST PORT BYTES [BYTES_PER_SECOND]
      sends random bytes, prints `half` on the way, then `whole LENGTH HASH` if the sink got every byte.
  traffic.py hold HOST PORT
      connects and prints `open`; for each line of input sends a line and prints `echo` or, after 3 s, `silent`.
  traffic.py ask HOST PORT [SOURCE_PORT]
      one UDP request; prints the answer or `silent`.
"""
import hashlib
import http.server
import random
import socket
import socketserver
import sys
import threading
import time

TIMEOUT_S = 3
CHUNK_BYTES = 1 << 16
IP_PKTINFO = 8  # Linux's number; this Python's socket module has no name for it
PKTINFO_BYTES = 12


class QuietServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def server_bind(self):
        # HTTPServer's own asks for the name of 0.0.0.0, which waits for a name server that no host of a lab reaches.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address


def http_server(port, text):
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = f"{text} from {self.client_address[0]}\n".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = QuietServer(("0.0.0.0", port), Page)
    return server.serve_forever


def tcp_server(port, serve_one):
    listener = socket.create_server(("0.0.0.0", port), backlog=64)

    def loop():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve_one, args=(connection,), daemon=True).start()
    return loop


def echo_lines(connection):
    with connection:
        while received := connection.recv(4096):
            connection.sendall(received)


def sink(connection):
    digest, length = hashlib.sha256(), 0
    with connection:
        while received := connection.recv(CHUNK_BYTES):
            digest.update(received)
            length += len(received)
        connection.sendall(f"{length} {digest.hexdigest()}".encode())


def udp_server(port):
    """Answers from the address that was asked: a host with several would otherwise choose by its routes."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    server.bind(("0.0.0.0", port))

    def loop():
        while True:
            request, ancillary, _, peer = server.recvmsg(65535, socket.CMSG_SPACE(PKTINFO_BYTES))
            asked = ancillary[0][2][4:8]  # in_pktinfo: interface, local address, destination address
            source = (socket.IPPROTO_IP, IP_PKTINFO, bytes(4) + asked + bytes(4))
            server.sendmsg([b"answer to " + request + f" from {peer[0]}".encode()], [source], 0, peer)
    return loop


def serve(specs):
    loops = []
    for spec in specs:
        kind, port, *rest = spec.split(":")
        if kind == "http":
            loops.append(http_server(int(port), rest[0]))
        elif kind == "udp":
            loops.append(udp_server(int(port)))
        else:
            loops.append(tcp_server(int(port), {"echo": echo_lines, "sink": sink}[kind]))
    for loop in loops:
        threading.Thread(target=loop, daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


def send(host, port, length, rate=None):
    digest, sent = hashlib.sha256(), 0
    block = random.Random(length).randbytes(1 << 20)
    with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as connection:
        connection.settimeout(60)
        started = time.monotonic()
        while sent < length:
            chunk = block[sent % len(block):][:min(CHUNK_BYTES, length - sent)]
            connection.sendall(chunk)
            digest.update(chunk)
            if sent < length // 2 <= sent + len(chunk):
                print("half", flush=True)
            sent += len(chunk)
            if rate:
                time.sleep(max(0, started + sent / rate - time.monotonic()))
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(200).decode()
    expected = f"{length} {digest.hexdigest()}"
    print(f"whole {expected}" if answer == expected else f"differs: sent {expected}, got {answer}", flush=True)
    return answer == expected


def hold(host, port):
    with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as connection:
        print("open", flush=True)
        for number, _ in enumerate(sys.stdin):
            line = f"line {number}\n".encode()
            try:
                connection.sendall(line)
                print("echo" if connection.recv(4096) == line else "garbled", flush=True)
            except OSError:
                print("silent", flush=True)
    return True


def ask(host, port, source_port=0):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.bind(("0.0.0.0", int(source_port)))
    client.settimeout(TIMEOUT_S)
    client.sendto(b"question", (host, int(port)))
    try:
        print(client.recvfrom(65535)[0].decode())
        return True
    except OSError:
        print("silent")
        return False


def main(argv):
    if len(argv) < 2 or argv[0] not in ("serve", "send", "hold", "ask"):
        print(__doc__.strip())
        return 0 if argv in (["--help"], ["-h"]) else 2
    if argv[0] == "serve":
        serve(argv[1:])
        return 0
    try:
        if argv[0] == "send":
            return 0 if send(argv[1], argv[2], int(argv[3]), *(float(rate) for rate in argv[4:])) else 1
        return 0 if {"hold": hold, "ask": ask}[argv[0]](*argv[1:]) else 1
    except OSError as error:
        print(f"no connection: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

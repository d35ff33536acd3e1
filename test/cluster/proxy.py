"""A TCP proxy on loopback that can be slow, silent or gone, and can speak TLS to its clients."""
import socket
import ssl
import threading
import time

PIECE = 64 * 1024


class Proxy:
    """Forwards to 127.0.0.1:`port` until close(). `delay`: seconds before each piece goes on, either
    way. `rate`: bytes a second of each connection and direction, None: no limit. `gone`: connections
    are closed at once. They hold from the next piece on."""

    def __init__(self, port, certificate=None, key=None):
        self.delay, self.rate, self.gone = 0.0, None, False
        self.connections = 0  # so far
        self._target = port
        self._tls = None
        if certificate:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(certificate, key)
        self._sockets = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        self._run(self._accept)

    def calm(self):
        self.delay, self.rate, self.gone = 0.0, None, False

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self):
        """Ends all connections."""
        with self._lock:
            sockets = list(self._sockets)
        for one in sockets:
            self._end(one)

    @staticmethod
    def _run(work, *arguments):
        threading.Thread(target=work, args=arguments, daemon=True).start()

    def _end(self, one):
        with self._lock:
            self._sockets.discard(one)
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._run(self._serve, client)

    def _serve(self, client):
        self.connections += 1
        if self.gone:
            client.close()
            return
        try:
            if self._tls:
                client.settimeout(10)
                client = self._tls.wrap_socket(client, server_side=True)
                client.settimeout(None)
            server = socket.create_connection(("127.0.0.1", self._target), timeout=10)
            server.settimeout(None)
        except OSError:
            client.close()
            return
        with self._lock:
            self._sockets |= {client, server}
        back = threading.Thread(target=self._carry, args=(server, client), daemon=True)
        back.start()
        self._carry(client, server)
        back.join()
        client.close()
        server.close()

    def _carry(self, source, sink):
        try:
            while piece := source.recv(PIECE):
                if self.delay:
                    time.sleep(self.delay)
                while self.rate and piece:
                    part, piece = piece[:max(1, self.rate // 20)], piece[max(1, self.rate // 20):]
                    sink.sendall(part)
                    time.sleep(0.05)
                if piece:
                    sink.sendall(piece)
        except OSError:
            pass
        self._end(source)
        self._end(sink)

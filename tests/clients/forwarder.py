"""A TCP port on loopback that carries bytes to and from a Unix socket: clients that speak only TCP reach a service without a door."""
import socket
import threading


class Forwarder:
    def __init__(self, path):
        self.path = str(path)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            service = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                service.connect(self.path)
            except OSError:
                client.close()
                continue
            for source, sink in ((client, service), (service, client)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def _carry(source, sink):
        """Until one side ends; then both are told, as the other direction may wait for ever."""
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

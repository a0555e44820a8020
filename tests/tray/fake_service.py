"""A service that serves what a test names."""
import http.server
import json
import socketserver
import threading


class FakeService:
    """Serves the routes that a test names, for what the real service of this build may not serve."""

    def __init__(self, folder, routes):
        folder.mkdir()
        self.socket = folder / "api.sock"
        self.followed = 0  # how often somebody began to read events
        self.routes = [dict(zip(("method", "path"), route.split())) for route in [*routes, "GET /api/ps", "GET /api/tags"]]

    def __enter__(self):
        fake, routes = self, self.routes
        done = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path.startswith("/hearth/v1/events"):
                    fake.followed += 1
                    self.send_response(200)
                    self.send_header("Content-Type", "text/event-stream")
                    self.end_headers()
                    self.wfile.write(b'event: hello\ndata: {"type": "hello"}\n\n')
                    self.wfile.flush()
                    done.wait()
                    return
                self.answer({"routes": routes, "version": "9", "models": []})

            def do_POST(self):
                self.answer({"url": "http://127.0.0.1:4000/#t=once"})

            def answer(self, value):
                data = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def address_string(self):
                return "unix"

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        self.server, self.done = Server(str(self.socket), Handler), done
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def end_streams(self):
        self.done.set()

    def __exit__(self, *_):
        self.done.set()
        self.server.shutdown()
        self.server.server_close()

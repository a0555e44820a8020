"""D-Bus from Python's standard library: enough of the wire protocol to be a tray host on a private bus.

Values are plain Python: strings for s, o and g, numbers, bool for b, bytes for ay, lists for arrays, dicts for a{..}, tuples for
structs, and Variant(signature, value) for v. What is read has the value of a variant in its place, without a wrapper.
"""
import os
import queue
import re
import socket
import struct
import threading

CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
FIELDS = {"path": (1, "o"), "interface": (2, "s"), "member": (3, "s"), "error": (4, "s"), "reply_to": (5, "u"), "destination": (6, "s"),
          "sender": (7, "s"), "signature": (8, "g")}
NAMES = {code: name for name, (code, _) in FIELDS.items()}
FIXED = {"y": "B", "n": "h", "q": "H", "i": "i", "u": "I", "x": "q", "t": "Q", "d": "d"}
ALIGNMENT = {"y": 1, "n": 2, "q": 2, "i": 4, "u": 4, "b": 4, "x": 8, "t": 8, "d": 8, "s": 4, "o": 4, "g": 1, "a": 4, "(": 8, "{": 8, "v": 1}
BUS = "org.freedesktop.DBus"
PROPERTIES = "org.freedesktop.DBus.Properties"


class BusError(Exception):
    """An error that the other side answered: `name` is the D-Bus name."""

    def __init__(self, name, text=""):
        super().__init__(f"{name}: {text}")
        self.name = name


class Variant:
    def __init__(self, signature, value):
        self.signature, self.value = signature, value


def split(signature):
    """The complete types of a signature: "ia{sv}" → ["i", "a{sv}"]."""
    types, at = [], 0
    while at < len(signature):
        start = at
        while signature[at] == "a":
            at += 1
        if signature[at] in "({":
            depth = 0
            while True:
                depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(signature[at], 0)
                at += 1
                if depth == 0:
                    break
        else:
            at += 1
        types.append(signature[start:at])
    return types


class Writer:
    def __init__(self):
        self.data = bytearray()

    def align(self, size):
        self.data.extend(b"\0" * (-len(self.data) % size))

    def put(self, kind, value):
        self.align(ALIGNMENT[kind[0]])
        if kind in FIXED:
            self.data.extend(struct.pack("<" + FIXED[kind], value))
        elif kind == "b":
            self.put("u", int(value))
        elif kind in "so":
            text = value.encode()
            self.put("u", len(text))
            self.data.extend(text + b"\0")
        elif kind == "g":
            self.data.extend(bytes([len(value)]) + value.encode() + b"\0")
        elif kind == "v":
            self.put("g", value.signature)
            self.put(value.signature, value.value)
        elif kind[0] == "a":
            self.put_array(kind[1:], value)
        else:  # a struct or a dict's entry
            for inner, part in zip(split(kind[1:-1]), value, strict=True):
                self.put(inner, part)

    def put_array(self, inner, values):
        self.data.extend(b"\0\0\0\0")
        length_at = len(self.data) - 4
        self.align(ALIGNMENT[inner[0]])
        start = len(self.data)
        for value in values.items() if inner[0] == "{" else values:
            self.put(inner, value)
        struct.pack_into("<I", self.data, length_at, len(self.data) - start)


class Reader:
    def __init__(self, data, order, at=0):
        self.data, self.order, self.at = data, order, at

    def get(self, kind):
        self.at += -self.at % ALIGNMENT[kind[0]]
        if kind in FIXED:
            (value,) = struct.unpack_from(self.order + FIXED[kind], self.data, self.at)
            self.at += struct.calcsize(FIXED[kind])
            return value
        if kind == "b":
            return bool(self.get("u"))
        if kind in "so":
            return self.text(self.get("u"))
        if kind == "g":
            return self.text(self.get("y"))
        if kind == "v":
            return self.get(self.get("g"))
        if kind[0] == "a":
            return self.get_array(kind[1:])
        return tuple(self.get(inner) for inner in split(kind[1:-1]))

    def text(self, length):
        value = self.data[self.at:self.at + length].decode()
        self.at += length + 1
        return value

    def get_array(self, inner):
        length = self.get("u")
        self.at += -self.at % ALIGNMENT[inner[0]]
        end = self.at + length
        if inner == "y":
            self.at = end
            return bytes(self.data[end - length:end])
        values = []
        while self.at < end:
            values.append(self.get(inner))
        return dict(values) if inner[0] == "{" else values


class Message:
    def __init__(self, kind, serial=0, body=(), **fields):
        self.kind, self.serial, self.body = kind, serial, body
        for name in FIELDS:
            setattr(self, name, fields.get(name))

    def encode(self):
        content, head = Writer(), Writer()
        for inner, value in zip(split(self.signature or ""), self.body, strict=True):
            content.put(inner, value)
        for code in (ord("l"), self.kind, 0, 1):
            head.put("y", code)
        head.put("u", len(content.data))
        head.put("u", self.serial)
        fields = [(code, Variant(kind, getattr(self, name))) for name, (code, kind) in FIELDS.items() if getattr(self, name) is not None]
        head.put("a(yv)", fields)
        head.align(8)
        return bytes(head.data + content.data)

    def __repr__(self):
        return f"{self.interface}.{self.member}{self.body}"


def read_exactly(stream, count):
    data = b""
    while len(data) < count:
        piece = stream.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def read_message(stream):
    head = read_exactly(stream, 16)
    order = "<" if head[0:1] == b"l" else ">"
    body_length, serial, fields_length = struct.unpack(order + "III", head[4:])
    rest = read_exactly(stream, fields_length + -fields_length % 8 + body_length)
    fields = Reader(head + rest, order, 12).get("a(yv)")
    message = Message(head[1], serial, **{NAMES[code]: value for code, value in fields if code in NAMES})
    body = Reader(rest[len(rest) - body_length:], order)
    message.body = tuple(body.get(kind) for kind in split(message.signature or ""))
    return message


class Connection:
    """One program on the bus. `serve` answers calls on a thread; signals are kept in order in `signals`."""

    def __init__(self, address, timeout=20):
        self.timeout = timeout
        self.stream = socket.socket(socket.AF_UNIX)
        self.stream.connect(re.search(r"unix:path=([^,;]+)", address).group(1))
        self.stream.sendall(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
        if not self.stream.recv(200).startswith(b"OK "):
            raise ConnectionError("the bus does not let us in")
        self.stream.sendall(b"BEGIN\r\n")
        self.lock, self.serial, self.replies = threading.Lock(), 0, {}
        self.objects, self.signals = {}, queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.name = self.call(BUS, "/org/freedesktop/DBus", BUS, "Hello")[0]

    def close(self):
        try:
            self.stream.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.stream.close()

    # ---- asking

    def send(self, message):
        with self.lock:
            self.serial += 1
            message.serial = self.serial
            if message.kind == CALL:
                self.replies[self.serial] = queue.Queue()
            self.stream.sendall(message.encode())
            return message.serial

    def call(self, destination, path, interface, member, signature="", *body):
        """@return the values of the answer @raise BusError"""
        return self.answer(self.ask(destination, path, interface, member, signature, *body))

    def ask(self, destination, path, interface, member, signature="", *body):
        """Goes on without the answer. @return what `answer` takes"""
        return self.send(Message(CALL, body=body, destination=destination, path=path, interface=interface, member=member,
                                 signature=signature or None))

    def answer(self, serial):
        answer = self.replies[serial].get(timeout=self.timeout)
        if answer.kind == ERROR:
            raise BusError(answer.error, *answer.body[:1])
        return answer.body

    def get(self, destination, path, interface, name):
        return self.call(destination, path, PROPERTIES, "Get", "ss", interface, name)[0]

    def request_name(self, name, flags=4):
        """@return whether it is ours; flags 4: do not queue"""
        return self.call(BUS, "/org/freedesktop/DBus", BUS, "RequestName", "su", name, flags)[0] == 1

    def release_name(self, name):
        self.call(BUS, "/org/freedesktop/DBus", BUS, "ReleaseName", "s", name)

    def owner(self, name):
        try:
            return self.call(BUS, "/org/freedesktop/DBus", BUS, "GetNameOwner", "s", name)[0]
        except BusError:
            return None

    def listen(self, rule):
        self.call(BUS, "/org/freedesktop/DBus", BUS, "AddMatch", "s", rule)

    def emit(self, path, interface, member, signature="", *body):
        self.send(Message(SIGNAL, body=body, path=path, interface=interface, member=member, signature=signature or None))

    # ---- answering

    def serve(self, path, handler):
        """handler(message) → (signature, values…), or raises BusError."""
        self.objects[path] = handler

    def _read(self):
        try:
            while True:
                self._take(read_message(self.stream))
        except (EOFError, OSError):
            pass

    def _take(self, message):
        if message.kind == SIGNAL:
            self.signals.put(message)
        elif message.kind == CALL:
            self._answer(message)
        elif message.reply_to in self.replies:
            self.replies[message.reply_to].put(message)

    def _answer(self, call):
        try:
            handler = self.objects.get(call.path)
            if handler is None:
                raise BusError("org.freedesktop.DBus.Error.UnknownObject", call.path)
            signature, *values = handler(call)
            self.send(Message(RETURN, body=values, reply_to=call.serial, destination=call.sender, signature=signature or None))
        except BusError as error:
            self.send(Message(ERROR, body=(str(error),), reply_to=call.serial, destination=call.sender, signature="s", error=error.name))

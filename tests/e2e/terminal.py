"""A program on a pseudo terminal: type, wait for text, read its exit code."""
import codecs
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from fcntl import ioctl

from harness import seconds

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]|[\x07\x08]")

PROMPT = ">>>"


class Terminal:
    def __init__(self, arguments, environment, folder, columns=100):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve(str(arguments[0]), [str(a) for a in arguments], environment)
        ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        self.decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self.seen = ""  # everything that came, without control sequences
        self.code = None

    def pump(self, limit=0.05):
        """Reads what is there. @return False at the end"""
        if not select.select([self.master], [], [], limit)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: the other side is closed
            return False
        self.seen += CONTROL.sub("", self.decode(data))
        return bool(data)

    def expect(self, text, limit=20, after=0):
        """Waits until `text` was shown after position `after`. @return position behind it"""
        end = time.monotonic() + seconds(limit)
        while (found := self.seen.find(text, after)) < 0:
            if not self.pump() or time.monotonic() > end:
                self.pump(0.2)
                if (found := self.seen.find(text, after)) >= 0:
                    break
                raise AssertionError(f"{text!r} was not shown; what was: {self.seen[after:][-1500:]!r}")
        return found + len(text)

    def type(self, text):
        self.wait_for_editor()
        os.write(self.master, text.encode())

    def wait_for_editor(self):
        """A prompt that is shown is not yet one that listens: libedit takes the terminal a moment later, and a control key that
        comes before is the kernel's."""
        end = time.monotonic() + seconds(5)
        while self.seen.rstrip().endswith(PROMPT) and time.monotonic() < end:
            if not termios.tcgetattr(self.master)[3] & termios.ICANON:
                return
            self.pump(0.01)

    def press_control(self, letter):
        self.type(chr(ord(letter.upper()) - 64))

    def wait(self, limit=20):
        """@return the exit code"""
        end = time.monotonic() + seconds(limit)
        while True:
            self.pump(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
                while self.pump(0.05) and select.select([self.master], [], [], 0.05)[0]:
                    pass
                return self.code
            if time.monotonic() > end:
                raise AssertionError(f"the program does not end; what was shown: {self.seen[-1500:]!r}")

    def close(self):
        if self.code is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
        os.close(self.master)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

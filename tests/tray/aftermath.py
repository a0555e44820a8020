"""What one needs to know when the pictures could not be taken."""
import shutil

from dbus_wire import BUS, BusError
from desk import WATCHER, WATCHER_PATH


def tell(screen, folder, failure):
    """Prints it, and leaves a last picture and what the programs said in the album's folder."""
    print(f"  {screen.panel.name} failed: {failure}", flush=True)
    for part in (_picture, _bus, _programs):
        try:
            lines = part(screen, folder)
        except Exception as trouble:  # the screen or the bus may be what failed
            lines = [f"no more to tell: {trouble!r}"]
        for line in lines:
            print(f"    {line}", flush=True)


def _picture(screen, folder):
    path = folder / "failed.png"
    screen.shot(path)
    windows = screen.run("xwininfo", "-root", "-children").splitlines() if shutil.which("xwininfo") else []
    return [f"{path}", *(f"window {line.strip()}" for line in windows if "0x" in line)]


def _bus(screen, _folder):
    if screen.desk is None:
        return ["no message bus yet"]
    names = screen.desk.call(BUS, "/org/freedesktop/DBus", BUS, "ListNames")[0]
    lines = [f"on the bus: {name} of {screen.desk.owner(name)}" for name in sorted(names) if not name.startswith(":")]
    try:
        items = screen.desk.get(WATCHER, WATCHER_PATH, WATCHER, "RegisteredStatusNotifierItems")
    except BusError as error:
        items = [f"none, {error}"]
    return [*lines, f"registered items: {', '.join(items) or 'none'}"]


def _programs(screen, folder):
    lines = []
    for process in screen.processes:
        code = process.poll()
        lines.append(f"{process.args[0]}: {'runs' if code is None else f'ended with {code}'}")
    for log in sorted(screen.logs.iterdir()):
        shutil.copy(log, folder)
        lines += [f"{log.stem} said: {line}" for line in log.read_text(errors="replace").splitlines()[-40:]]
    return lines

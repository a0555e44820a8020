"""Pictures of one panel."""
import subprocess
import time

from processes import wait_until
from screen import HEIGHT, WIDTH

PANEL_HEIGHT = 30  # without a border below
PANEL_AREA = f"{WIDTH}x{PANEL_HEIGHT}+0+0"
BELOW_PANEL = f"{WIDTH}x{HEIGHT - 40}+0+40"
IDLE_FLAME = "#c98a62"  # as in tray/icons/hearth-tray-idle.svg


class Album:
    """Numbered pictures. A picture is taken when the screen has come to rest, and must be different from the one before: the first from
    the screen without the panel."""

    def __init__(self, screen, folder):
        self.screen, self.folder, self.number, self.last = screen, folder, 0, screen.bare

    def take(self, name, least=20, moving=False, area=None):
        """@param least   pixels that must differ from the picture before
        @param moving  there is something that does not come to rest
        @param area    where they must differ (default: anywhere)"""
        self.number += 1
        path = self.folder / f"{self.number}-{name}.png"
        again = path.with_suffix(".again.png")
        self.screen.shot(path)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            time.sleep(0.3)
            self.screen.shot(again)
            rest = moving or difference(path, again) == 0
            changed = difference(self.last, again, area) >= least
            again.replace(path)
            if rest and changed:
                break
        else:
            if not changed:
                raise AssertionError(f"{path} shows nothing new")
        self.last = path
        print(f"  {path}", flush=True)

    def find_icon(self):
        """Where the panel drew the icon, by the colour of its flame."""
        now = self.folder / "icon.tmp.png"

        def box():
            self.screen.shot(now)
            text = self.screen.run("convert", str(now), "-crop", PANEL_AREA, "+repage", "-fuzz", "6%", "-fill", "black", "+opaque", IDLE_FLAME,
                                   "-fuzz", "0", "-trim", "-format", "%w %h %X %Y", "info:")
            width, height, left, top = (int(value) for value in text.split())
            return (left + width // 2, top + height // 2) if 8 <= width <= 60 and 8 <= height <= 60 else None

        try:
            return wait_until(box, 60, "the icon in the panel", step=0.3)
        finally:
            now.unlink(missing_ok=True)


def difference(first, second, area=None):
    """Pixels that differ."""
    part = f"[{area}]" if area else ""
    counted = subprocess.run(["compare", "-metric", "AE", f"{first}{part}", f"{second}{part}", "null:"], capture_output=True, text=True).stderr
    return float(counted.split()[0])


def changed_area(first, second):
    """(left, top, right, bottom) of the pixels that differ."""
    command = ["convert", str(first), str(second), "-compose", "difference", "-composite", "-threshold", "0", "-trim", "-format", "%w %h %X %Y", "info:"]
    width, height, left, top = (int(value) for value in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    return left, top, left + width, top + height

"""waybar in sway, which is a window on the X server: without a window it would have no mouse."""
import json

from album import changed_area, difference
from desk import listens
from panel import Panel
from processes import wait_until
from screen import HEIGHT, WIDTH

SWAY = f"""xwayland disable
output X11-1 mode --custom {WIDTH}x{HEIGHT}
"""
WAYBAR = {"layer": "top", "position": "top", "height": 32, "modules-left": ["tray"], "tray": {"icon-size": 22}}
A_ROW = 3000  # pixels that change at least when the mouse is on it
STYLE = "window#waybar { background: #303030; } #tray { margin-left: 8px; }"


class Waybar(Panel):
    name, programs = "waybar", ("sway",)
    refuses_root = True  # sway does

    def open(self, screen):
        for path, text in (("sway/config", SWAY), ("waybar/config", json.dumps(WAYBAR)), ("waybar/style.css", STYLE)):
            path = screen.config / path
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        screen.environment |= {"WLR_BACKENDS": "x11", "WLR_RENDERER": "pixman"}
        backdrop, now = _pictures(screen)
        screen.shot(backdrop)
        screen.start(["sway", "--config", str(screen.config / "sway/config")])
        display = wait_until(lambda: next(filter(listens, screen.runtime.glob("wayland-?")), None), 60, "sway")
        screen.environment |= {"WAYLAND_DISPLAY": display.name, "GDK_BACKEND": "wayland"}

        def covered():
            screen.shot(now)
            return difference(backdrop, now) == WIDTH * HEIGHT

        wait_until(covered, 60, "sway's desktop", step=0.1)
        screen.start_panel("waybar")

    def open_submenu(self, screen):
        """The menu has the mouse and not the keyboard, which stays with the windows. The mouse on an item opens its submenu; a click would shut it."""
        shut, now = _pictures(screen)
        screen.shot(shut)
        x, y = screen.mouse()

        def marked():
            nonlocal y
            y += 6
            screen.move_mouse((x + 60, y))
            screen.shot(now)
            return difference(shut, now) >= A_ROW

        wait_until(marked, 60, "an item under the mouse", step=0.1)

    def choose_in_submenu(self, screen):
        """Its last item: the submenu is what is new at the right and at the bottom."""
        shut, now = _pictures(screen)
        screen.shot(now)
        _, _, right, bottom = changed_area(shut, now)
        screen.click((right - 30, bottom - 14), 1)


def _pictures(screen):
    """Files for what is there before something happens, and for what is there now."""
    return screen.home / "before.png", screen.home / "now.png"

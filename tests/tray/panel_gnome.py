"""GNOME Shell with the AppIndicator extension, as a window on the X server. It does not live without logind, so it gets one that is acted."""
from pathlib import Path

from dbus_wire import PROPERTIES, BusError, Variant
from panel import Panel
from processes import wait_until
from screen import HEIGHT, WIDTH

SHELL, SHELL_PATH = "org.gnome.Shell", "/org/gnome/Shell"
PYTHON = "/usr/bin/python3"  # the one that Debian's packages are for
EXTENSION = "ubuntu-appindicators@ubuntu.com"
NEEDED = (f"/usr/share/gnome-shell/extensions/{EXTENSION}", "/usr/lib/python3/dist-packages/dbusmock")
SETTINGS = f"""[org/gnome/shell]
enabled-extensions=['{EXTENSION}']
welcome-dialog-last-shown-version='99'
[org/gnome/desktop/interface]
enable-animations=false
enable-hot-corners=false
[org/gnome/desktop/background]
picture-options='none'
[org/gnome/desktop/notifications]
show-banners=false
"""


class Gnome(Panel):
    name, packages = "gnome-shell", "gnome"

    def missing(self):
        return super().missing() + [path for path in NEEDED if not Path(path).exists()]

    def open(self, screen):
        path = screen.config / "glib-2.0/settings/keyfile"
        path.parent.mkdir(parents=True)
        path.write_text(SETTINGS)
        system = screen.add_bus()
        screen.environment |= {"DBUS_SYSTEM_BUS_ADDRESS": system.address, "GSETTINGS_BACKEND": "keyfile", "LIBGL_ALWAYS_SOFTWARE": "1",
                               "MUTTER_DEBUG_DUMMY_MODE_SPECS": f"{WIDTH}x{HEIGHT}"}
        screen.start([PYTHON, "-m", "dbusmock", "--system", "--template", "logind"])
        services = system.connect()
        wait_until(lambda: services.owner("org.freedesktop.login1"), 60, "the acted logind")
        screen.start_panel("gnome-shell", "--nested", "--wayland", "--no-x11")
        wait_until(lambda: self._leave_overview(screen.desk), 120, "GNOME Shell's desktop", step=0.3)

    def _leave_overview(self, desk):
        """It begins with an overview of windows. @return whether it shows its desktop"""
        try:
            desk.call(SHELL, SHELL_PATH, PROPERTIES, "Set", "ssv", SHELL, "OverviewActive", Variant("b", False))
            return not desk.get(SHELL, SHELL_PATH, SHELL, "OverviewActive")
        except BusError:  # not there yet
            return False

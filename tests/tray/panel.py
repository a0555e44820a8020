"""What a panel is to the script that takes its pictures. One module for each: panel_xfce.py, panel_lxqt.py, panel_waybar.py, panel_gnome.py."""
import shutil

from screen import AWAY


class Panel:
    name = ""  # on the command line, and the program that must be there
    programs = ()  # that it needs besides
    packages = "panels"  # what to ask installer/setup for
    button = 1  # of the mouse: opens the menu
    refuses_root = False

    def missing(self):
        """Programs that are not there."""
        return [program for program in (self.name, *self.programs) if not shutil.which(program)]

    def open(self, screen):
        """Starts it. What it needs is in `screen.config`, its own folder."""
        raise NotImplementedError

    def open_submenu(self, screen):
        """Of the first item of the open menu that can be chosen."""
        screen.keys("Down")
        screen.keys("Right")

    def choose_in_submenu(self, screen):
        """What can be chosen first there."""
        screen.keys("Return")

    def close_menu(self, screen):
        screen.keys("Escape", "Escape")
        screen.click(AWAY, 1)

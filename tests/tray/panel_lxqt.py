"""LXQt's panel."""
from panel import Panel

CONFIG = """[General]
iconTheme=hicolor
[panel1]
plugins=statusnotifier
position=Top
panelSize=36
iconSize=24
width=100
width-percent=true
alignment=-1
lockPanel=true
background-color=#404a55
[statusnotifier]
type=statusnotifier
alignment=Left
"""


class Lxqt(Panel):
    name, programs = "lxqt-panel", ("openbox",)
    button = 3  # the first one is left to the program

    def open(self, screen):
        path = screen.config / "lxqt/panel.conf"
        path.parent.mkdir()
        path.write_text(CONFIG)
        screen.start_openbox()
        screen.start_panel("lxqt-panel")

"""XFCE's panel."""
from panel import Panel

CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array"><value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="32"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="systray"><property name="square-icons" type="bool" value="true"/></property>
  </property>
</channel>
"""


class Xfce(Panel):
    name, programs = "xfce4-panel", ("openbox",)

    def open(self, screen):
        path = screen.config / "xfce4/xfconf/xfce-perchannel-xml/xfce4-panel.xml"
        path.parent.mkdir(parents=True)
        path.write_text(CONFIG)
        screen.start_openbox()
        screen.start(["/usr/lib/x86_64-linux-gnu/xfce4/xfconf/xfconfd"])
        screen.start_panel("xfce4-panel", "--disable-wm-check")

"""The menu of hearth-tray: what stands in it, what a click does, what is told to panels and how, and the traps of menus."""
import shutil
import subprocess

import gguf_file
from harness import BIN
from sources import Origin
from tray_case import HAS_BUS, TrayTest

if HAS_BUS:
    from desk import MENU_PATH
    from dbus_wire import BusError, Variant


class Menu(TrayTest):
    def test_shows_underscores_as_they_are(self):
        """Trap 1: doubled for hosts that follow the specification."""
        host, _ = self.connected()
        load = host.wait_for(f"{self.name} —")
        self.assertTrue(load.label.startswith("my__tiny__q4__K__M:latest —"), load.label)

    def test_shows_underscores_as_they_are_on_gnome(self):
        """Trap 1: GNOME's extension replaces the first one alone."""
        host = self.host(gnome=True)
        self.tray()
        self.eventually(lambda: any(node.label.startswith("my__tiny_q4_K_M:latest —") for node in host.menu().all()), what="the label")

    def test_changes_the_rule_with_the_panel(self):
        """Trap 1: another panel, another rule; hosts must read the labels again."""
        host, _ = self.connected()
        host.wait_for(f"{self.name} —")
        host.close()
        host = self.host(gnome=True)
        self.eventually(lambda: any(node.label.startswith("my__tiny_q4_K_M:latest —") for node in host.menu().all()), what="the label")

    def test_loads_and_unloads_at_a_click(self):
        host, _ = self.connected()
        host.choose(f"{self.name} —")
        host.wait_for("Hearth: 1 model loaded")
        self.assertEqual(self.loaded(), [self.name])
        host.choose("Unload")
        host.wait_for("Hearth: no model loaded")
        self.assertEqual(self.loaded(), [])

    def test_a_late_click_does_nothing(self):
        """Trap 4: the item is gone, and its number means nothing else."""
        host, tray = self.connected()
        host.choose(f"{self.name} —")
        unload = host.wait_for("Unload")  # stands there while the model is being loaded, too: who asked for it would load it after all
        self.eventually(lambda: self.client.get("/api/ps").json()["models"][0]["state"] == "ready", what="the model to be loaded")
        self.service.unload_all()
        host.wait_gone("Unload")
        self.client.post("/hearth/v1/load", {"model": "another", "backend": "echo", "stream": False})
        host.wait_for("another")
        self.assertNotIn(unload.id, [node.id for node in host.menu().all()], "numbers are not given twice")
        host.click(unload)
        host.click(4711)
        host.find("Hearth:")  # answered after the clicks
        self.assertEqual(self.loaded(), ["another"])
        self.assertIsNone(tray.process.poll())

    def test_an_item_keeps_its_number(self):
        """Trap 4: the same item has the same number when it comes back."""
        host, _ = self.connected()
        before = {node.label: node.id for node in host.menu().all()}
        self.client.post("/hearth/v1/load", {"model": "other_1", "backend": "echo", "stream": False})
        host.wait_for("other_1")
        self.service.unload_all()
        host.wait_gone("other_1")
        self.assertEqual({node.label: node.id for node in host.menu().all()}, before)

    def test_a_label_is_told_as_a_property_that_changed(self):
        """Trap 5: ItemsPropertiesUpdated, with nothing but what changed, and no LayoutUpdated."""
        host, _ = self.connected()
        source = gguf_file.write_ballast(self.service.home / "slow.gguf", 4_000_000, seed=4)
        with Origin({"slow.gguf": source}) as origin:
            origin.limit_rate(1_000_000)
            pull = self.client.open("POST", "/api/pull", {"model": origin.url("slow.gguf"), "insecure": True})
            self.addCleanup(pull.close)
            lines = iter(pull.begin())
            item = host.wait_for("Downloading", 20)
            self.eventually(lambda: "%" in host.menu_label(item.id), what="progress")
            host.forget_signals()
            label = host.menu_label(item.id)
            self.eventually(lambda: host.menu_label(item.id) != label, what="more progress")
            messages = []
            while not host.connection.signals.empty():
                messages.append(host.connection.signals.get())
            menu = [message for message in messages if message.interface == "com.canonical.dbusmenu"]
            self.assertEqual({message.member for message in menu}, {"ItemsPropertiesUpdated"})
            for message in menu:
                updated, removed = message.body
                self.assertEqual([(number, set(properties)) for number, properties in updated], [(item.id, {"label"})])
                self.assertEqual(removed, [])
            list(lines)
        host.wait_gone("Downloading")

    def test_the_icon_is_not_drawn_at_every_step(self):
        """Trap 7: every NewIcon costs the panel a round trip."""
        host, _ = self.connected()
        host.forget_signals()
        source = gguf_file.write_ballast(self.service.home / "steps.gguf", 6_000_000, seed=5)
        with Origin({"steps.gguf": source}) as origin:
            origin.limit_rate(3_000_000)
            self.service.pull_ok(origin.url("steps.gguf"), insecure=True)
        host.wait_for("steps:latest")
        icons = host.signals("NewIcon")
        self.assertGreaterEqual(len(icons), 2)
        self.assertLessEqual(len(icons), 23, "at most one for each twentieth, and for the start and the end")

    def test_another_structure_is_told_with_a_new_revision(self):
        """Trap 5."""
        host, _ = self.connected()
        revision, _ = host.layout()
        host.forget_signals()
        self.client.post("/hearth/v1/load", {"model": "fresh", "backend": "echo", "stream": False})
        host.wait_for("fresh")
        told = [message.body for message in host.signals("LayoutUpdated")]
        self.assertTrue(told)
        self.assertGreater(told[-1][0], revision)
        self.assertEqual(host.layout()[0], told[-1][0])

    def test_has_no_lazy_submenus(self):
        """Trap 5: everything is in the first layout, and nothing needs an update before it is shown."""
        host, _ = self.connected()
        load = next(node for node in host.menu().children if node.shown == "Load")
        self.assertTrue(load.children)
        self.assertEqual(load.properties["children-display"], "submenu")
        self.assertEqual(host.ask_menu("AboutToShow", "i", load.id), (False,))
        self.assertEqual(host.ask_menu("AboutToShowGroup", "ai", [load.id, 4711]), ([], [4711]))

    def test_answers_every_question_of_the_protocol(self):
        host, _ = self.connected()
        quit_item = host.wait_for("Quit")
        login = host.wait_for("Start at login")
        self.assertEqual(host.ask_menu("GetProperty", "is", quit_item.id, "label"), ("Quit",))
        self.assertEqual(host.ask_menu("GetGroupProperties", "aias", [quit_item.id, 4711], ["label"]), ([(quit_item.id, {"label": "Quit"})],))
        self.assertEqual(login.properties["toggle-type"], "checkmark")
        _, shallow = host.layout(depth=1, names=["label"])
        self.assertTrue(all(not child.children for child in shallow.children))
        self.assertTrue(all(set(child.properties) <= {"label"} for child in shallow.children))
        with self.assertRaises(BusError):
            host.layout(parent=4711)
        self.assertEqual(host.connection.get(host.item, MENU_PATH, "com.canonical.dbusmenu", "Version"), 3)
        self.assertEqual(host.ask_menu("EventGroup", "a(isvu)", [(4711, "clicked", Variant("i", 0), 0), (quit_item.id, "hovered", Variant("i", 0), 0)]),
                         ([4711],))

    def test_chooses_the_default_model(self):
        host, _ = self.connected()
        self.client.request("DELETE", "/hearth/v1/default", {})
        default = lambda: next(node for node in host.menu().children if node.shown == "Default model")  # noqa: E731
        choice = lambda: next(node for node in default().children if node.shown == self.name)  # noqa: E731
        self.assertEqual(choice().properties["toggle-type"], "radio")
        self.eventually(lambda: choice().properties["toggle-state"] == 0, what="nothing to be chosen")
        host.click(choice())
        self.eventually(lambda: choice().properties["toggle-state"] == 1, what="the choice")
        self.assertEqual(self.client.get("/hearth/v1/default").json()["model"], self.name)
        self.client.request("DELETE", "/hearth/v1/default", {})  # by somebody else
        self.eventually(lambda: choice().properties["toggle-state"] == 0, what="the choice to be taken back")

    def test_follows_what_others_delete(self):
        path = gguf_file.write_ballast(self.service.home / "short_lived.gguf", 200_000, seed=9)
        host, _ = self.connected()
        name = self.service.add_model(path)
        host.wait_for(f"{name} —")
        self.client.request("DELETE", "/api/delete", {"model": name})
        host.wait_gone(f"{name} —")

    def test_starts_at_login_when_the_user_says_so(self):
        """Trap 11: a desktop file in the autostart folder."""
        host, _ = self.connected()
        entry = self.service.home / "home/.config/autostart/hearth-tray.desktop"
        login = host.wait_for("Start at login")
        self.assertEqual(login.properties["toggle-state"], 0)
        host.click(login)
        self.eventually(lambda: host.find("Start at login").properties["toggle-state"] == 1, what="the check mark")
        self.assertIn(f'Exec="{(BIN / "hearth-tray").resolve()}"', entry.read_text())
        if shutil.which("desktop-file-validate"):
            checked = subprocess.run(["desktop-file-validate", entry], capture_output=True, text=True)
            self.assertEqual((checked.returncode, checked.stdout), (0, ""))
        host.click(login)
        self.eventually(lambda: host.find("Start at login").properties["toggle-state"] == 0, what="no check mark")
        self.assertFalse(entry.exists())

    def test_opens_the_log(self):
        log = self.service.home / "home/.local/state/hearth/hearthd.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("")
        self.addCleanup(log.unlink)
        opener = self.opener()
        host = self.host()
        self.tray(PATH=opener.path)
        entry = host.wait_for("Open the log")
        asked = host.offer_token("token-8")
        host.click(entry)
        host.token_answer(asked)
        self.assertEqual(opener.wait(), [[str(log), "token-8"]])

    def test_gives_back_the_token_of_a_click_that_opens_no_window(self):
        """GNOME shows a busy cursor for 15 s after each click, until a window uses the click's token or the item refuses it."""
        host, _ = self.connected()
        load = host.wait_for(f"{self.name} —")
        asked = host.offer_token("token-9")
        host.click(load)
        with self.assertRaisesRegex(BusError, "opens no window"):
            host.token_answer(asked)
        host.wait_for("Hearth: 1 model loaded")

    def test_quits(self):
        host, tray = self.connected()
        host.choose("Quit")
        self.assertEqual(tray.wait_end(), 0)

"""What memory and devices there are, and how fast they are."""
import unittest

import processes
from harness import HearthTest, needs_llama, seconds

GIB = 1 << 30


def meminfo():
    with open("/proc/meminfo", encoding="ascii") as lines:
        return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}


class Devices(HearthTest):
    service_config = "[memory]\nram_limit = '2GiB'\nmargin = '1GiB'\n"

    def host(self):
        return self.client.get("/hearth/v1/devices").json()["devices"][0]

    def test_the_host_is_there_and_our_own_cap_rules_it(self):
        host = self.host()
        self.assertEqual((host["id"], host["kind"]), ("cpu", "cpu"))
        self.assertLessEqual(host["total_bytes"], meminfo()["MemTotal"])
        limits = {limit["name"]: limit for limit in host["limits"]}
        self.assertEqual(limits["ram_limit"]["limit_bytes"], 2 * GIB)
        tightest = min(host["limits"], key=lambda limit: limit["free_bytes"])
        self.assertEqual(host["limited_by"], tightest)
        self.assertEqual(host["free_bytes"], tightest["free_bytes"])
        others = [limit["free_bytes"] - GIB for name, limit in limits.items() if name in ("available", "cgroup")]
        self.assertEqual(host["free_bytes"] - host["margin_bytes"], min([2 * GIB] + [max(0, free) for free in others]))

    def test_what_is_loaded_counts_against_the_cap(self):
        self.client.post("/api/generate", {"model": "m", "prompt": "a", "backend": "echo", "stream": False})
        held = self.client.get("/api/ps").json()["models"][0]["size"]
        free = {limit["name"]: limit["free_bytes"] for limit in self.host()["limits"]}["ram_limit"]
        self.service.unload_all()
        self.assertGreater(held, 0)
        self.assertEqual(free, 2 * GIB - held)

    def test_the_probes_end(self):
        self.host()
        processes.wait_until(lambda: not self.service.family().runners, seconds(10), "the probing runners to end")

    def test_a_container_may_not_ask(self):
        routes = self.client.get("/hearth/v1/capabilities").json()["routes"]
        sockets = {route["path"]: route["sockets"] for route in routes}
        self.assertEqual(sockets["/hearth/v1/devices"], ["api"])
        self.assertEqual(sockets["/hearth/v1/devices/measure"], ["api"])

    def test_the_command_prints_them(self):
        result = self.service.cli("devices")
        self.assertIn("\ncpu\t", result.stdout)
        self.assertEqual(self.assert_json_output(self.service.cli("devices", "--json"))["devices"][0]["id"], "cpu")


class Speed(HearthTest):
    def test_speed_is_measured_when_asked_and_kept(self):
        before = self.client.get("/hearth/v1/devices").json()
        self.assertEqual(before["devices"][0]["bandwidth_source"], "assumed")
        after = self.client.post("/hearth/v1/devices/measure", {}, timeout=seconds(60)).json()
        host = after["devices"][0]
        self.assertEqual(host["bandwidth_source"], "measured")
        self.assertGreater(host["bandwidth"], 1e8)
        self.assertLess(host["bandwidth"], 1e13)
        self.service.restart()
        again = self.client.get("/hearth/v1/devices").json()
        self.assertEqual(again["measured_at"], after["measured_at"])
        self.assertEqual(again["devices"][0]["bandwidth"], host["bandwidth"])

    @needs_llama
    def test_the_engine_measures_each_type(self):
        host = self.client.post("/hearth/v1/devices/measure", {}, timeout=seconds(60)).json()["devices"][0]
        for name in ("F16", "Q8_0", "Q6_K", "Q5_K", "Q4_K", "Q4_0"):
            self.assertGreater(host["throughput"].get(name, 0), 1e7, name)
        self.assertGreater(host["throughput"]["F16"], host["throughput"]["Q4_K"], "fewer bits are more work for each byte")


if __name__ == "__main__":
    unittest.main()

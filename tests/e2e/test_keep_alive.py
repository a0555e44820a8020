"""How long an idle model stays: the request, else the model's own parameters, else the configuration for the model, else for all."""
import time
from datetime import datetime, timezone

import harness
import models
from harness import HearthTest, Service, needs_llama

MINUTE = 60


@needs_llama
class KeepAlive(HearthTest):
    service_config = ("[runtime]\nkeep_alive = '10m'\n[models.hearth-tiny]\nkeep_alive = '1h'\n"
                      "[models.'own-words:latest']\nkeep_alive = '1h'\n[models.'local/HEARTH-other:latest']\nkeep_alive = -1\n")

    def left(self, model, **more):
        """Seconds until the model goes, after a load of it."""
        self.service.unload_all()
        answer = self.client.post("/api/generate", {"model": model} | more)
        self.assertEqual(answer.status, 200, answer)
        row, = self.client.get("/api/ps").json()["models"]
        expires = datetime.strptime(row["expires_at"][:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
        return expires.timestamp() - time.time()

    def assert_stays(self, model, seconds, **more):
        self.assertAlmostEqual(self.left(model, **more), seconds, delta=harness.seconds(20))

    def test_the_order_of_who_says_it(self):
        tiny = self.service.add_model(models.tiny())
        self.client.post("/api/create", {"model": "own-words", "from": tiny, "parameters": {"keep_alive": "30m"}, "stream": False})
        self.client.post("/api/copy", {"source": tiny, "destination": "nobody-said"})
        self.assert_stays(tiny, 60 * MINUTE)
        self.assert_stays(tiny, 2 * MINUTE, keep_alive="2m")
        self.assert_stays("own-words", 30 * MINUTE)
        self.assert_stays("nobody-said", 10 * MINUTE)

    def test_a_name_of_the_configuration_is_any_form_of_it(self):
        self.assertGreater(self.left(self.service.add_model(models.other())), 100 * 365 * 24 * 60 * MINUTE)


class Wrong(HearthTest):
    def test_a_table_of_no_model_is_refused(self):
        for table in ("[models.'a b']\nkeep_alive = 1\n", "[models.a]\nkeepalive = 1\n", "[models.a]\nkeep_alive = 'soon'\n"):
            service = Service(table)
            try:
                service.start(wait=False)
                self.assertEqual(service.process.wait(harness.seconds(20)), harness.USAGE, table)
                self.assertIn("models", service.log_tail())
            finally:
                service.process = None
                service.destroy()

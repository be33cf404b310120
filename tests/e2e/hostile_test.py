"""Ports that are fed with what is not meant for them go on serving what is."""
import re
import unittest
from urllib.parse import urlsplit

import zmq

from cluster import KIB, Scenario, write_files
from hostile import FRAME, ZMTP_GREETING, HeldOpen, messages, raw_attacks, send_raw


def place_of(endpoint):
    parts = urlsplit(endpoint)
    return parts.hostname, parts.port


class Hostile(Scenario):
    def test_noise_on_the_ports_of_the_rebalancer_and_of_membership(self):
        with self.cluster(agents=3) as cluster:
            for name, endpoint in cluster.endpoints.items():
                for data in raw_attacks(seed=len(name)):
                    send_raw(*place_of(endpoint), data)
            self.check_serves(cluster)

    def test_noise_on_the_data_ports(self):
        with self.cluster(agents=3) as cluster:
            for seed, place in enumerate(self.data_ports(cluster)):
                for data in raw_attacks(seed):
                    send_raw(*place, data)
            self.check_serves(cluster)
            self.assertTrue(any(self.refused(cluster.agent(server)) for server in (1, 2, 3)),
                            "no agent's log tells of what was refused")

    def test_messages_that_are_none_are_dropped_counted_and_logged(self):
        with self.cluster(agents=3) as cluster:
            context = zmq.Context()
            try:
                for name in ("membership_requests", "agents", "control"):
                    dealer = context.socket(zmq.DEALER)
                    dealer.setsockopt(zmq.LINGER, 10000)
                    dealer.connect(cluster.endpoints[name])
                    for frames in messages(cluster.name, seed=7):
                        dealer.send_multipart(frames)
                    dealer.close()
                subscriber = context.socket(zmq.SUB)  # who listens says things, too
                subscriber.connect(cluster.endpoints["commands"])
                for topic in (b"", b"command.1.", b"command.", b"x" * 5000):
                    subscriber.subscribe(topic)
                subscriber.close(0)
            finally:
                context.term()  # and so all is delivered
            self.check_serves(cluster)
            for name in ("membership", "rebalancer"):
                cluster.wait(f"{name} to say what it refused",
                             lambda n=name: self.refused(cluster.processes[n]), 10)

    def test_connections_that_stand_still_keep_nobody_from_being_served(self):
        with self.cluster(agents=3) as cluster:
            sockets = [place_of(cluster.endpoints[name])
                       for name in ("agents", "control", "commands", "membership_requests")]
            half_frame = FRAME.pack(0x454B, 1, 1, 1000, 1, 0) + b"half"
            with HeldOpen(sockets, 50, ZMTP_GREETING[:20]), \
                    HeldOpen(self.data_ports(cluster), 50, half_frame):
                self.check_serves(cluster)

    def data_ports(self, cluster):
        return [place_of(f"tcp://{row['address']}")
                for row in cluster.sql("SELECT address FROM server_status")]

    def refused(self, process):
        return re.findall(r"(?i)malformed|refused|dropped|garbage", process.log_text())

    def check_serves(self, cluster):
        """All are alive that were, and a whole round of put, heal and get works."""
        cluster.raise_if_any_fell()
        cluster.wait_for_alive([1, 2, 3])
        tree = cluster.folder / "files"
        contents = write_files(tree, [0, 100, 300 * KIB, 900 * KIB])
        cluster.put_tree(tree)
        cluster.wait_until_settled()
        self.check_contents(self.check_replicated(cluster), contents)
        cluster.add_agent(4).start()
        cluster.agent(3).kill()
        cluster.wait_for_liveness(3, "dead")
        cluster.wait_until_settled()
        self.check_contents(self.check_replicated(cluster, without=[3]), contents)
        for path in tree.iterdir():
            cluster.get(f"files/{path.name}", cluster.folder / "back")
            self.assertEqual((cluster.folder / "back").read_bytes(), path.read_bytes())


if __name__ == "__main__":
    unittest.main(verbosity=2)

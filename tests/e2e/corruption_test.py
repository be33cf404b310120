"""A replica that is not what its name says is found, is no source for others, and is replaced."""
import os
import unittest

from cluster import BLOCK_BYTES, KIB, MANIFEST, Scenario, checksum_of, write_files

FAST = {"scrub_rate": "64MiB", "scrub_pause": "1s", "rescan_interval": "1s"}
SLOW = {"scrub_rate": "0B", "rescan_interval": "1h"}
SIZES = [700 * KIB] * 12 + [10 * KIB] * 12
COPIES_FROM = """SELECT command_id, chunk_id, server_id, source_id, state FROM command_history
                 WHERE kind = 'replicate' AND chunk_id = ?"""


def flip_a_bit(path, place):
    with open(path, "r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 0x10]))


class Corruption(Scenario):
    def test_a_flipped_bit_is_found_and_the_replica_replaced(self):
        self.damage_one(lambda path: flip_a_bit(path, path.stat().st_size // 2))

    def test_a_flipped_bit_in_the_last_block_too(self):
        self.damage_one(lambda path: flip_a_bit(path, path.stat().st_size - 1))

    def test_a_file_cut_short_is_found_and_replaced(self):
        self.damage_one(lambda path: os.truncate(path, BLOCK_BYTES))

    def test_a_file_cut_to_nothing_is_found_and_replaced(self):
        self.damage_one(lambda path: os.truncate(path, 0))

    def test_a_file_that_is_gone_is_found_and_replaced(self):
        self.damage_one(os.unlink)

    def test_a_file_that_has_grown_is_found_and_replaced(self):
        def grow(path):
            with open(path, "ab") as file:
                file.write(b"more")
        self.damage_one(grow)

    def test_an_older_version_in_its_place_is_found_and_replaced(self):
        def swap(path):
            chunk, version, _ = path.name.split(".")
            self.assertGreater(int(version), 0, "the first version leaves none below it")
            old = b"as it was before"
            path.with_name(f"{chunk}.{int(version) - 1}.{checksum_of(old)}").write_bytes(old)
            path.unlink()
            path.with_name(path.name + MANIFEST).unlink(missing_ok=True)
        cluster_files = self.damage_one(swap, stale=True)
        self.assertTrue(all(int(path.name.split(".")[1]) > 0 for path in cluster_files))

    def test_a_bad_source_is_blamed_and_the_copy_comes_from_another(self):
        """Nobody scrubs: the damage is found only by the one who copies from it."""
        with self.cluster(agents=4, agent=SLOW, quiet_end=False) as cluster:
            contents = self.filled(cluster)
            damaged = self.damage_all(cluster, 2)
            cluster.agent(1).kill()
            cluster.wait_for_liveness(1, "dead")
            cluster.wait_until_settled(60)
            found = self.check_intact(cluster, contents, without=[1])
            unnoticed = {int(row["chunk"], 16) for row in found["chunks"] if "s2" in row["corrupt"]}
            self.assertLess(unnoticed, damaged, "server 2 was never asked, and so never blamed")

    # What the scenarios are made of

    def filled(self, cluster):
        tree = cluster.folder / "files"
        contents = write_files(tree, SIZES)
        cluster.put_tree(tree)
        cluster.wait_until_settled()
        return contents

    def damage_all(self, cluster, server):
        damaged = set()
        for path in cluster.chunk_files(server):
            flip_a_bit(path, path.stat().st_size // 3)
            damaged.add(int(path.name[:16], 16))
        self.assertTrue(damaged)
        return damaged

    def damage_one(self, damage, stale=False):
        """Damages one large replica on server 2 and waits for the cluster to have made it good."""
        with self.cluster(agents=5, agent=FAST) as cluster:
            contents = self.filled(cluster)
            path = max(cluster.chunk_files(2), key=lambda path: (path.stat().st_size, path.name))
            chunk, last = int(path.name[:16], 16), cluster.value(
                "SELECT max(command_id) FROM command_history") or 0
            damage(path)
            repaired = ("SELECT count(*) FROM command_history WHERE kind = 'replicate' AND "
                        "state = 'done' AND chunk_id = ? AND command_id > ?")
            cluster.wait("the damaged replica to be made up for",
                         lambda: cluster.value(repaired, chunk, last) and not cluster.unsettled(),
                         60, lambda: (cluster.sql("SELECT * FROM replica_status WHERE chunk_id = ?",
                                                  chunk), cluster.unsettled()))
            self.check_never_a_source(cluster, chunk, last)
            cluster.wait("the damaged file to be out of live/",
                         lambda: self.all_intact(cluster, chunk), 60,
                         lambda: cluster.files_of(chunk))
            cluster.wait_until_settled()
            self.check_contents(self.check_replicated(cluster), contents)
            return list(cluster.files_of(chunk).values())

    def all_intact(self, cluster, chunk):
        found, _ = cluster.verify_disks()
        row = next(row for row in found["chunks"] if int(row["chunk"], 16) == chunk)
        return not row["corrupt"] and not row["stale"] and len(row["intact"]) == 3

    def check_never_a_source(self, cluster, chunk, last):
        for row in cluster.sql(COPIES_FROM, chunk):
            if row["command_id"] > last and row["state"] == "done":
                self.assertNotEqual(row["source_id"], 2, f"copied from the damaged replica: {row}")

    def check_intact(self, cluster, contents, without):
        """Each content is held whole by two servers at least; nothing else passes for intact."""
        found, _ = cluster.verify_disks(without=without)
        self.assertEqual({row["checksum"] for row in found["chunks"]}, set(contents))
        for row in found["chunks"]:
            self.assertGreaterEqual(len(row["intact"]), 2, row)
        return found


if __name__ == "__main__":
    unittest.main(verbosity=2)

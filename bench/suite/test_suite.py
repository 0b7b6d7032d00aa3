# SPDX-License-Identifier: Apache-2.0
"""Tests of what the benchmarks compute: python3 -m unittest discover -s bench/suite -t bench"""

import statistics
import unittest

from suite import ceiling, latency, programs, report, samples


class IdealQueue(unittest.TestCase):
    def test_waits_as_long_as_theory_says(self):
        # M/D/1 (Pollaczek-Khinchine): mean wait = service * load / (2 * (1 - load)).
        for load in (0.3, 0.7):
            mean = statistics.fmean(latency.ideal(load, [100.0], workers=1))
            self.assertAlmostEqual(mean / (100 + 100 * load / (2 * (1 - load))), 1, delta=0.03)

    def test_waits_less_with_two_workers(self):
        one, two = (latency.ideal(0.7, [100.0], workers=n) for n in (1, 2))
        self.assertLess(samples.quantile(two, 0.99), samples.quantile(one, 0.99))


class Samples(unittest.TestCase):
    def test_median_leaves_out_noisy_samples(self):
        taken = [{"us": 1, "other_cores": 0.1}, {"us": 9, "other_cores": 1.5},
                 {"us": 8, "other_cores": 1.5}]
        self.assertEqual(samples.median(taken)["us"], 1)

    def test_median_takes_noisy_samples_where_all_are(self):
        taken = [{"us": us, "other_cores": 1.5} for us in (1, 9, 8)]
        self.assertEqual(samples.median(taken)["us"], 8)

    def test_errors_by_code_are_summed(self):
        taken = [{"errors": {"INTERNAL": 1}}, {"errors": {"INTERNAL": 2, "UNAVAILABLE": 1}}]
        self.assertEqual(samples.median(taken)["errors"], {"INTERNAL": 3, "UNAVAILABLE": 1})

    def test_interleave_takes_each_once_a_round(self):
        taken = []
        samples.interleave({key: lambda key=key: taken.append(key) or {"key": key}
                            for key in "abc"}, 2)
        self.assertEqual([sorted(taken[:3]), sorted(taken[3:])], [list("abc")] * 2)


class Ceiling(unittest.TestCase):
    def seen(self, stream):
        served = {"requests_per_s": 1, "p50_us": 1, "p99_us": 1, "server_cpu_us": 60,
                  "errors": {}, "other_cores": 0}
        return {"served": served, "bare": {**served, "server_cpu_us": 20},
                "served stream": {**served, **stream},
                "bare stream": {**served, "server_cpu_us": 10},
                "alone": {"cpu_us": 30, "run_p50_us": 30}}

    def test_ratios_are_to_bare_and_libtorch_together(self):
        row = ceiling.row((programs.DIGITS, 256, 1), self.seen({"server_cpu_us": 44}))
        self.assertEqual((row["ratio"], row["stream_ratio"]), (1.2, 1.1))

    def test_a_server_without_streams_has_no_figures_of_them(self):
        row = ceiling.row((programs.DIGITS, 256, 1),
                          self.seen({"errors": {"UNIMPLEMENTED": 1}}))
        self.assertNotIn("stream_ratio", row)
        self.assertEqual(row["errors"], {})


class Table(unittest.TestCase):
    def test_words_stand_left_numbers_right_nothing_is_a_dash(self):
        columns = [report.Column("a", "a"), report.Column("n", "count", ","),
                   report.Column("e", "errors")]
        rows = [{"a": "long name", "n": 1234, "e": {}}, {"a": "b", "e": {"INTERNAL": 2}}]
        self.assertEqual(report.Report("T", columns, rows).text().splitlines()[2:5],
                         ["a          count  errors", "long name  1,234  none",
                          "b              -  2 INTERNAL"])


if __name__ == "__main__":
    unittest.main()

"""What the appendix shows of builds and benchmarks comes from where it is said to come."""

import json

from booksite import facts


def test_recorded_benchmarks_become_a_table_with_their_machine(tmp_path):
    result = {
        "question": "Which is faster?",
        "baseline": "the loop",
        "machine": "a machine, 2 cores",
        "threads": 2,
        "script": "which.py",
        "rows": [
            {
                "what": "all at once",
                "median seconds": 1.5,
                "ratio": 0.25,
                "least ratio": 0.2,
                "largest ratio": 0.5,
            }
        ],
    }
    (tmp_path / "which.json").write_text(json.dumps(result))
    text = facts.benchmarks(tmp_path)
    assert "**Which is faster?**" in text
    assert "| all at once | 1.5 | 0.25 | 0.2 to 0.5 |" in text
    assert "Ratios are to *the loop*, in the same run. a machine, 2 cores, 2 thread(s)." in text


def test_no_recorded_benchmark_is_no_table(tmp_path):
    assert facts.benchmarks(tmp_path / "nowhere") == ""


def test_facts_name_the_data_only_where_chapters_were_executed():
    assert "Data" in facts.facts("force")
    assert "Data" not in facts.facts("off")

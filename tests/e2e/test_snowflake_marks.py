"""The mark protocol over Snowflake's SQL, session by session: the unit tests of the warehouses on a stand-in."""

import json
import os
import re
import subprocess

# A service is made by nobody. Kills are test_snowflake.py's and test_snowflake_parallel.py's.
NOT_HERE = ("*AMissingTarget*", "*DISABLED_OneRun*", "*KilledAtAnyStep*")


def test_the_marks(unit_tests, snowflake_server):
    chosen = f"--gtest_filter=DISABLED_Snowflake*-{':'.join(NOT_HERE)}"
    done = subprocess.run([unit_tests, "--gtest_also_run_disabled_tests", chosen], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "PULK_TEST_SNOWFLAKE": json.dumps(snowflake_server.keys())})
    print(done.stdout[-20000:], done.stderr[-5000:])
    assert done.returncode == 0, re.findall(r"^\[  FAILED  \].*", done.stdout, re.M)
    assert int(re.search(r"\[  PASSED  \] (\d+) tests", done.stdout).group(1)) >= 21

"""SIGKILL just before the n-th change on disk: a write at a place, a sync, a rename, a link, a removal. Between two named
steps lie many of them, and each is a moment at which the ledger, the target and the stage say something else.

A library of the test's own, loaded in front of the system's, counts the calls."""

import os
import random
import subprocess

import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import KILLED, KINDS, check_finished
from test_crash_random import SEED
from support.pulk import table_entry

CALLS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;

static void before(void) {
  long n = atomic_fetch_add(&calls, 1) + 1;
  const char* at = getenv("TEST_KILL_BEFORE_CALL");
  if (at != NULL && n == atol(at)) kill(getpid(), SIGKILL);
}

__attribute__((destructor)) static void report(void) {
  const char* path = getenv("TEST_CALLS");
  FILE* file = path != NULL ? fopen(path, "w") : NULL;
  if (file == NULL) return;
  fprintf(file, "%ld", (long)calls);
  fclose(file);
}

#define FRONT(name, parameters, ...) \
  int name parameters { before(); return ((int(*) parameters)dlsym(RTLD_NEXT, #name))(__VA_ARGS__); }

FRONT(fsync, (int fd), fd)
FRONT(fdatasync, (int fd), fd)
FRONT(rename, (const char* from, const char* to), from, to)
FRONT(unlink, (const char* path), path)
FRONT(unlinkat, (int fd, const char* path, int flags), fd, path, flags)
FRONT(symlink, (const char* to, const char* path), to, path)
FRONT(link, (const char* from, const char* to), from, to)
FRONT(mkdir, (const char* path, mode_t mode), path, mode)
FRONT(ftruncate64, (int fd, off64_t size), fd, size)

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  before();
  return ((ssize_t(*)(int, const void*, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64"))(fd, data, size, at);
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  before();
  return ((ssize_t(*)(int, const void*, size_t, off_t))dlsym(RTLD_NEXT, "pwrite"))(fd, data, size, at);
}
"""

POINTS = int(os.environ.get("PULK_TEST_WRITE_POINTS", 40))  # of each kind of target


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("calls")
    (folder / "calls.c").write_text(CALLS)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(folder / "calls.so"), str(folder / "calls.c"), "-ldl"], check=True)
    return str(folder / "calls.so")


@pytest.fixture(scope="module")
def source(postgres):
    database = postgres.create_database()
    database.execute("CREATE TABLE a (id integer PRIMARY KEY, b text); INSERT INTO a SELECT n, md5(n::text) FROM generate_series(1, 600) n;"
                     "CREATE TABLE b (n integer); INSERT INTO b VALUES (1), (1), (NULL); CREATE TABLE c (id integer PRIMARY KEY);"
                     "ANALYZE")
    database.expected = {table: database.rows(f"TABLE {table}") for table in "abc"}
    yield database
    database.drop()


@pytest.fixture
def ready(pulk, source, library, request):
    pulk.write_config(source, target=request.node.callspec.params["kind"])
    pulk.write_workflow([table_entry("a", partitionSize={"maxRowsPerPartition": 250}), "b", "c"])
    # A sanitizer's library wants to be the first one.
    pulk.front = {"LD_PRELOAD": library, "ASAN_OPTIONS": "verify_asan_link_order=0"}
    return pulk


CALLS_OF = {}


def calls_of_a_run(pulk, kind) -> int:
    """Of one that replaces what is there: the second."""
    if kind not in CALLS_OF:
        for _ in range(2):
            pulk.migrate(env={**pulk.front, "TEST_CALLS": str(pulk.folder / "calls")}).expect(0)
        CALLS_OF[kind] = int((pulk.folder / "calls").read_text())
    return CALLS_OF[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_the_calls_are_counted(ready, kind):
    assert calls_of_a_run(ready, kind) > 100


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", range(POINTS // 2))
def test_killed_before_a_change_on_disk(ready, source, kind, point, again):
    """The first run of a workspace, or one that replaces a target."""
    total = CALLS_OF.get(kind) or calls_of_a_run(ready, kind)
    if again and not ready.workspace.exists():
        ready.migrate().expect(0)
    # One in each of as many equal parts of the run.
    part = total / (POINTS // 2)
    call = max(1, int(part * point + random.Random(f"{SEED} {kind} {point} {again}").random() * part))
    print(f"to repeat: PULK_TEST_SEED={SEED}; killed before call {call} of about {total}")
    killed = ready.migrate(env={**ready.front, "TEST_KILL_BEFORE_CALL": str(call)})
    assert killed.code in (KILLED, 0), str(killed)
    if killed.code == KILLED:
        ready.migrate().expect(0)
    check_finished(ready, source.expected)

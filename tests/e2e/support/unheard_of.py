"""ODBC drivers that pulk does not know: real ones under another name (tests/doubles/*_driver.c)."""

import subprocess
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "doubles"
DRIVERS = "/usr/lib/x86_64-linux-gnu/odbc"


def rename(folder: Path, library: str, source="renamed_driver.c") -> str:
    """A driver with the functions of `library` but for those of `source`, and a name of its own; its path."""
    driver = folder / "libunheardof.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(driver), str(SOURCES / source), f"-Wl,--no-as-needed,-rpath,{DRIVERS}",
                    f"{DRIVERS}/{library}", "-ldl"], check=True)
    return str(driver)

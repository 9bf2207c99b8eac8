"""The compiled module `acurast._core`: the core's own sources and its public headers, seen through cffi in API mode.

The declarations are not written here a second time: they are what the C preprocessor leaves of the public headers. The
list of sources is the core's, and the libraries come from pkg-config. Where ACURAST_SYSTEM is set in the environment, an
installed libacurast is linked in place of the core's sources, the one that pkg-config finds.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sysconfig
from pathlib import Path

from cffi import FFI

CORE = Path("core")
SYSTEM = bool(os.environ.get("ACURAST_SYSTEM"))
LIBRARIES = ["libsodium", "libuv", "yajl", "libssl", "libcrypto"]
MSGPACK = ["msgpack-c", "msgpack"]  # its name since version 6, and before
PACKAGES = "libsodium-dev libuv1-dev libssl-dev libmsgpack-dev libyajl-dev"

GLUE_DECLARATIONS = """
#define ACURAST_LOOK_MAX ...
#define ACURAST_REQUEST_MANY_MAX ...
int64_t acurast_py_send(acurast_client *client, const void *recipient, size_t recipient_size, const void *payload,
                        size_t payload_size, uint32_t no_outcome, uint32_t write_now, uint32_t timeout_ms);
int64_t acurast_py_send_until(acurast_client *client, const void *recipient, size_t recipient_size, const void *payload,
                              size_t payload_size, uint32_t until, uint32_t tell_kept, uint32_t timeout_ms);
int64_t acurast_py_look(acurast_client *client, const uint8_t *ids, size_t count, uint32_t timeout_ms);
int64_t acurast_py_request(acurast_client *client, const void *recipient, size_t recipient_size, const char *method,
                           const void *params, size_t params_size, uint32_t retry, uint32_t encoding, uint32_t timeout_ms);
int64_t acurast_py_request_many(acurast_client *client, const uint8_t *ids, size_t count, const char *method,
                                const void *params, size_t params_size, uint32_t retry, uint32_t encoding,
                                uint32_t need, uint32_t agree, uint32_t timeout_ms);
int64_t acurast_py_take(acurast_queue *queue, acurast_event_view *views, size_t max, int timeout_ms);
"""

GLUE = """
#include <acurast/acurast.h>

static int64_t answer(acurast_status status, uint64_t operation)
{
    return status == ACURAST_OK ? (int64_t)operation : -(int64_t)status;
}

/*
 * One call instead of a struct and an out parameter: the operation; 0 where the payload was written within the call and no
 * outcome follows; or a status below 0.
 */
static int64_t acurast_py_send(acurast_client *client, const void *recipient, size_t recipient_size,
                               const void *payload, size_t payload_size, uint32_t no_outcome,
                               uint32_t write_now, uint32_t timeout_ms)
{
    acurast_send_params params = {
        .size = sizeof params, .no_outcome = no_outcome, .timeout_ms = timeout_ms, .write_now = write_now};
    uint64_t operation = 0;
    acurast_status status =
        acurast_client_send(client, recipient, recipient_size, payload, payload_size, &params, &operation);
    return answer(status, operation);
}

/* The same with a level: the operation, or a status below 0. */
static int64_t acurast_py_send_until(acurast_client *client, const void *recipient, size_t recipient_size,
                                     const void *payload, size_t payload_size, uint32_t until, uint32_t tell_kept,
                                     uint32_t timeout_ms)
{
    acurast_send_params params = {
        .size = sizeof params, .timeout_ms = timeout_ms, .until = until, .tell_kept = tell_kept};
    uint64_t operation = 0;
    acurast_status status =
        acurast_client_send(client, recipient, recipient_size, payload, payload_size, &params, &operation);
    return answer(status, operation);
}

static int64_t acurast_py_look(acurast_client *client, const uint8_t *ids, size_t count, uint32_t timeout_ms)
{
    acurast_send_params params = {.size = sizeof params, .timeout_ms = timeout_ms};
    uint64_t operation = 0;
    acurast_status status = acurast_client_look(client, ids, count, &params, &operation);
    return answer(status, operation);
}

static int64_t acurast_py_request(acurast_client *client, const void *recipient, size_t recipient_size,
                                  const char *method, const void *params, size_t params_size, uint32_t retry,
                                  uint32_t encoding, uint32_t timeout_ms)
{
    acurast_request_params settings = {
        .size = sizeof settings, .timeout_ms = timeout_ms, .encoding = encoding, .retry = retry};
    uint64_t operation = 0;
    acurast_status status = acurast_client_request(client, recipient, recipient_size, method, params, params_size,
                                                   &settings, &operation);
    return answer(status, operation);
}

static int64_t acurast_py_request_many(acurast_client *client, const uint8_t *ids, size_t count, const char *method,
                                       const void *params, size_t params_size, uint32_t retry, uint32_t encoding,
                                       uint32_t need, uint32_t agree, uint32_t timeout_ms)
{
    acurast_many_params settings = {.size = sizeof settings, .timeout_ms = timeout_ms, .encoding = encoding,
                                    .retry = retry, .need = need, .agree = agree};
    uint64_t operation = 0;
    acurast_status status =
        acurast_client_request_many(client, ids, count, method, params, params_size, &settings, &operation);
    return answer(status, operation);
}

/* How many views were filled, or a status below 0. */
static int64_t acurast_py_take(acurast_queue *queue, acurast_event_view *views, size_t max, int timeout_ms)
{
    size_t count = 0;
    views[0].size = sizeof views[0];
    acurast_status status = acurast_queue_take(queue, views, max, timeout_ms, &count);
    return status == ACURAST_OK ? (int64_t)count : -(int64_t)status;
}
"""


def pkg_config(*arguments: str) -> list[str]:
    tool = os.environ.get("PKG_CONFIG", "pkg-config")
    try:
        done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise SystemExit(f"{tool} is not installed; on Debian: apt-get install pkg-config {PACKAGES}") from None
    if done.returncode:
        raise SystemExit(f"{done.stderr.strip()}\nOn Debian: apt-get install {PACKAGES}")
    return shlex.split(done.stdout)


def modules() -> list[str]:
    if SYSTEM:
        return ["acurast"]
    tool = os.environ.get("PKG_CONFIG", "pkg-config")
    try:
        found = [name for name in MSGPACK if subprocess.run([tool, "--exists", name], check=False).returncode == 0]
    except FileNotFoundError:
        found = []
    return LIBRARIES + (found or MSGPACK)[:1]


def headers_folder() -> Path:
    """Where the public headers are: the staged core's, or those of the installed library, which has to be of the same version."""
    staged = CORE / "include"
    if not SYSTEM:
        return staged
    wanted = re.search(r'#define ACURAST_VERSION "([^"]+)"', (staged / "acurast" / "version.h").read_text())
    found = "".join(pkg_config("--modversion", "acurast"))
    if not wanted or found != wanted.group(1):
        raise SystemExit(f"the installed libacurast is {found}; this needs {wanted and wanted.group(1)}")
    return Path("".join(pkg_config("--variable=includedir", "acurast")))


def declarations() -> str:
    """The public headers without their macros, and without what they include of the system's."""
    headers = headers_folder()
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    markers = ["-DACURAST_EXPORT_H", "-DACURAST_API=", "-DACURAST_BEGIN=", "-DACURAST_END="]
    header = str(headers / "acurast" / "acurast.h")
    text = subprocess.run(
        [*compiler, "-E", *markers, "-I", str(headers), header], capture_output=True, text=True, check=True
    ).stdout
    kept, ours = [], False
    for line in text.splitlines():
        marker = re.match(r'# \d+ "([^"]*)"', line)
        if marker:
            ours = f"{headers}/acurast/" in marker.group(1)
        elif ours and line.strip():
            kept.append(line)
    return "\n".join(kept)


def sources() -> list[str]:
    listed = (CORE / "sources.txt").read_text().splitlines()
    return [str(CORE / "src" / line) for line in listed if re.match("[a-z]", line)]


needed = modules()
ffi = FFI()
ffi.cdef(declarations() + GLUE_DECLARATIONS)
ffi.set_source(
    "acurast._core",
    GLUE,
    sources=[] if SYSTEM else sources(),
    depends=[str(path) for path in sorted(CORE.rglob("*.h"))],
    include_dirs=[] if SYSTEM else [str(CORE / "include"), str(CORE / "src")],
    extra_compile_args=["-std=gnu11", "-fvisibility=hidden", *pkg_config("--cflags", *needed)],
    extra_link_args=[*pkg_config("--libs", *needed), "-pthread"],
)

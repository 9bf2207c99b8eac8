"""SIGHUP: the files are read beside everything else, however long they take, and then count for everybody."""

import pytest

from support import certs, programs
from support.waiting import eventually


@pytest.mark.parametrize("file", ["deny-file", "tls-key"])
def test_a_reload_that_hangs_holds_up_nothing(service, bystanders, hanging, tmp_path, file):
    authority = certs.Authority(tmp_path)
    cert, key, _ = authority.leaf()
    deny = tmp_path / "deny"
    deny.write_text("")
    one = service(tls_cert=cert, tls_key=key, deny_file=deny, admin_listen="127.0.0.1:0", threads=2)
    pair = bystanders(one.url, ssl=authority.context())
    hung = hanging(deny if file == "deny-file" else key)
    one.reload()
    hung.await_reader()
    for _ in range(20):
        assert one.page("/readyz")[0] == 200 and one.page("/metrics")[0] == 200
        pair.check()
        bystanders(one.url, ssl=authority.context())
    assert "reload" not in one.stderr
    hung.let_go()
    one.message("what=reload" + ("ed" if file == "deny-file" else "_failed"))


def test_a_service_ends_while_a_reload_hangs(client, hanging, tmp_path):
    deny = tmp_path / "deny"
    deny.write_text("")
    one = programs.Service(deny_file=deny, drain_time="2s")
    inside = client(one.url)
    hung = hanging(deny)
    one.reload()
    hung.await_reader()
    assert one.end() == 0
    assert inside.gone().code == 1001
    one.check_sanitizers()


def test_a_second_sighup_reads_what_came_after_the_first(service, client, hanging, tmp_path):
    deny = tmp_path / "deny"
    deny.write_text("")
    one = service(deny_file=deny)
    inside = client(one.url)
    hung = hanging(deny)
    one.reload()
    hung.await_reader()
    deny.unlink()
    deny.write_text(inside.id.hex())
    for _ in range(3):
        one.reload()
    inside.barrier()
    hung.let_go()
    assert inside.gone().code == 4003


def test_new_lists_find_everybody_who_is_here(service, client, tmp_path):
    """More connections than one turn of the thread looks up; a second reload comes in between."""
    deny = tmp_path / "deny"
    deny.write_text("")
    one = service(deny_file=deny, threads=1)
    everybody = [client(one.url) for _ in range(300)]
    denied = everybody[::2]
    deny.write_text("\n".join(each.id.hex() for each in denied))
    one.reload()
    one.message("what=reloaded")
    one.reload()
    for each in denied:
        assert each.gone().code == 4003
    for each in everybody[1::2]:
        each.barrier()

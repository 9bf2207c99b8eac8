/* acurast-peer keygen and id: no service is needed for them. */
#include "keyfile.h"
#include "peer.h"
#include "print.h"
#include "talk.h"

#include <stdio.h>
#include <string.h>

static void tell_key(const acurast_identity *identity, bool json, const char *file)
{
    uint8_t id[ACURAST_ID_SIZE], key[ACURAST_PUBLIC_KEY_SIZE];
    acurast_identity_id(identity, id);
    acurast_identity_public_key(identity, key);
    if (json) {
        print_json_begin();
        print_json_hex("id", id, sizeof id);
        print_json_hex("public_key", key, sizeof key);
        if (file)
            print_json_text("file", file);
        print_json_end();
        return;
    }
    fputs("id ", stdout);
    print_hex(id, sizeof id);
    fputs("\npublic-key ", stdout);
    print_hex(key, sizeof key);
    putchar('\n');
}

int peer_keygen(int argc, char **argv)
{
    command_flag flags[] = {{"out", "FILE", "Where the key goes, mode 0600; an existing file is left alone", NULL},
                            {"key", "FILE", "The same", NULL},
                            {"ed25519", NULL, "Make an Ed25519 key instead of a P-256 one", NULL},
                            {"json", NULL, "Print one object", NULL},
                            {NULL, NULL, NULL, NULL}};
    struct command command = {.name = "acurast-peer keygen",
                              .environment = "ACURAST_PEER_",
                              .synopsis =
                                  "acurast-peer keygen [--out FILE] [--ed25519]\n\n"
                                  "Makes a key and prints its id and public key; without --out only the key, as PEM.",
                              .notes = talk_notes,
                              .flags = flags};
    acurast_identity *identity;
    int code = command_parse(&command, argc, argv);
    if (code != COMMAND_CONTINUE)
        return code;
    if (command.argument_count)
        return command_usage(&command, "keygen takes no arguments");
    acurast_status status =
        acurast_identity_generate(flags[2].text ? ACURAST_KEY_ED25519 : ACURAST_KEY_P256, &identity);
    if (status != ACURAST_OK)
        return talk_fail("making a key", status);
    const char *file = flags[0].text ? flags[0].text : flags[1].text;
    bool ok = file ? keyfile_write(file, identity) : keyfile_print(identity);
    if (ok && file)
        tell_key(identity, flags[3].text != NULL, file);
    acurast_identity_release(identity);
    return ok && print_flush() ? COMMAND_OK : COMMAND_FAILED;
}

static int tell_recipient(const char *text, bool json)
{
    uint8_t id[ACURAST_ID_SIZE], key[ACURAST_PUBLIC_KEY_SIZE];
    acurast_status status = acurast_id_of(text, strlen(text), id);
    if (status != ACURAST_OK)
        return talk_fail(text, status);
    bool has_key = acurast_compress_key(text, strlen(text), key) == ACURAST_OK;
    if (json) {
        print_json_begin();
        print_json_hex("id", id, sizeof id);
        if (has_key)
            print_json_hex("public_key", key, sizeof key);
        print_json_end();
        return COMMAND_OK;
    }
    fputs("id ", stdout);
    print_hex(id, sizeof id);
    if (has_key) {
        fputs("\npublic-key ", stdout);
        print_hex(key, sizeof key);
    }
    putchar('\n');
    return COMMAND_OK;
}

int peer_id(int argc, char **argv)
{
    command_flag flags[] = {
        {"key", "FILE", "A key file", NULL}, {"json", NULL, "Print one object a line", NULL}, {NULL, NULL, NULL, NULL}};
    struct command command = {
        .name = "acurast-peer id",
        .environment = "ACURAST_PEER_",
        .synopsis = "acurast-peer id [--key FILE] [RECIPIENT...]\n\n"
                    "Prints ids and public keys (compressed) of a key file and of recipients in any form.",
        .notes = talk_notes,
        .flags = flags};
    int code = command_parse(&command, argc, argv);
    if (code != COMMAND_CONTINUE)
        return code;
    if (!flags[0].text && !command.argument_count)
        return command_usage(&command, "name a key file or a recipient");
    code = COMMAND_OK;
    if (flags[0].text) {
        acurast_identity *identity = keyfile_read(flags[0].text);
        if (!identity)
            return COMMAND_FAILED;
        tell_key(identity, flags[1].text != NULL, NULL);
        acurast_identity_release(identity);
    }
    for (size_t i = 0; i < command.argument_count && code == COMMAND_OK; i++)
        code = tell_recipient(command.arguments[i], flags[1].text != NULL);
    return print_flush() ? code : COMMAND_FAILED;
}

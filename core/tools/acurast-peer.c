/*
 * acurast-peer: a dApp or a processor for the shell. Results go to standard output,
 * messages to standard error. Each command is a file of its own: peer_*.c.
 *
 * It has a key or two and one connection, so libcrypto's secure heap can be small. acurast-service does without: there each TLS
 * connection would keep a piece of that heap for as long as it lives, and once it is used up no other could be made.
 */
#include "command.h"
#include "foreign.h"
#include "peer.h"
#include "talk.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define SECURE_HEAP ((size_t)64 * 1024)
#define SECURE_PIECE 32

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"keygen", peer_keygen, "make a key"},
    {"id", peer_id, "print the id and the public key of a key file or a recipient"},
    {"request", peer_request, "ask a recipient, and print its answer"},
    {"serve", peer_serve, "answer requests by a command of the shell"},
    {"send", peer_send, "send a payload, and wait for answers"},
    {"listen", peer_listen, "print what comes, and send it back with --echo"},
    {"look", peer_look, "ask the service which recipients are here"},
    {"ping", peer_ping, "measure the round trip to a peer that echoes"},
};

#define COMMANDS (sizeof commands / sizeof *commands)

static int help(FILE *stream, int code)
{
    fputs("usage: acurast-peer COMMAND [FLAGS] [ARGUMENTS]\n\n", stream);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(stream, "  %-8s %s\n", commands[i].name, commands[i].help);
    fprintf(stream, "\nacurast-peer COMMAND --help tells more.\n\n%s\n", talk_notes);
    return code;
}

int main(int argc, char **argv)
{
    (void)CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_PIECE); /* without it the heap is an ordinary one */
    if (argc < 2)
        return help(stderr, COMMAND_USAGE);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        return help(stdout, COMMAND_OK);
    if (strcmp(argv[1], "--version") == 0) {
        printf("acurast-peer %s\n", acurast_version());
        return COMMAND_OK;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    foreign_tell("acurast-peer: there is no command %s", argv[1]);
    foreign_tell("Try 'acurast-peer --help'.");
    return COMMAND_USAGE;
}

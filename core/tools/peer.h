/* The commands of acurast-peer: each takes the command line from its own name on, and returns the exit code. */
#ifndef ACURAST_TOOLS_PEER_H
#define ACURAST_TOOLS_PEER_H

int peer_keygen(int argc, char **argv);
int peer_id(int argc, char **argv);
int peer_send(int argc, char **argv);
int peer_listen(int argc, char **argv);
int peer_look(int argc, char **argv);
int peer_request(int argc, char **argv);
int peer_serve(int argc, char **argv);
int peer_ping(int argc, char **argv);

#endif

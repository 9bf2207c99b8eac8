/*
 * Which HTTP proxy leads to a service, and what is said to it (CONNECT; RFC 9110, 9.3.6). Loopback addresses are always reached directly.
 *
 * Any thread; but the environment is read, which nobody may change meanwhile.
 */
#ifndef ACURAST_NET_PROXY_H
#define ACURAST_NET_PROXY_H

#include <acurast/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct acurast__proxy {
    uint16_t port;
    char *host;          /* name or literal address, without brackets */
    char *authorization; /* "Basic ..." for Proxy-Authorization, a secret; NULL: none */
} acurast__proxy;

/*
 * The proxy for host:port; `*proxy` is NULL where there is none. `setting` is "environment", "none" or a proxy's URL: http://[USER:PASSWORD@]HOST[:PORT].
 * The environment has https_proxy for TLS and http_proxy for plain connections, all_proxy for both, and exceptions in no_proxy; in capitals
 * too, but for HTTP_PROXY, which a web server sets from a request's header. BAD_OPTION, with `*problem` in static text, or NO_MEMORY.
 */
acurast_status acurast__proxy_find(acurast__proxy **proxy, const char *setting, const char *host, uint16_t port,
                                   bool tls, const char **problem);

/* NULL is nothing. */
void acurast__proxy_free(acurast__proxy *proxy);

/* The request for a tunnel to host:port, to be freed after it is wiped; NULL without memory. */
char *acurast__proxy_request(const acurast__proxy *proxy, const char *host, uint16_t port);

#endif

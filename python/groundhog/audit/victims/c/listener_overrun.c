/* How many connections a listener had no room for: a counter that only goes up. */
#include "datagrams.h"
#include <linux/sock_diag.h>

enum { TRIED = 6 };

static int listening, port;

static void prepare(void)
{
    listening = listen_on_loopback(1, &port);
}

static void handle(const char *secret)
{
    uint32_t found[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof found;
    struct sockaddr_in address = on_loopback(port);
    int clients[TRIED], accepted;
    (void)secret;
    check(getsockopt(listening, SOL_SOCKET, SO_MEMINFO, found, &length) == 0 || errno == ENOPROTOOPT, "SO_MEMINFO");
    for (int i = 0; i < TRIED; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        check(clients[i] >= 0, "socket");
        (void)!connect(clients[i], (struct sockaddr *)&address, sizeof address);
    }
    while ((accepted = accept4(listening, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        close(accepted);
    for (int i = 0; i < TRIED; i++)
        close(clients[i]);
    answer("{\"dropped\":%u}", found[SK_MEMINFO_DROPS]);
}

/* A connection to a listener of the snapshot that nobody has accepted, with data in it. */
#include "datagrams.h"

static int listening, port;

static void prepare(void)
{
    struct sockaddr_in address = on_loopback(0);
    socklen_t length = sizeof address;
    listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    check(listening >= 0 && bind(listening, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    check(listen(listening, 8) == 0, "listen");
    check(getsockname(listening, (struct sockaddr *)&address, &length) == 0, "getsockname");
    port = ntohs(address.sin_port);
}

static void handle(const char *secret)
{
    char sent[SECRET_SIZE] = "";
    int accepted = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    if (accepted >= 0) {
        (void)!recv(accepted, sent, sizeof sent - 1, 0);
        close(accepted);
    }
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(client >= 0, "socket");
    connect_to(client, port);
    (void)!send(client, secret, strlen(secret), MSG_NOSIGNAL);
    close(client);
    answer("{\"sent\":\"%s\"}", sent);
}

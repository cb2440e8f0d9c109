/* A connection to a listener of the snapshot that nobody has accepted, with data in it. */
#include "datagrams.h"

static int listening, port;

static void prepare(void)
{
    listening = listen_on_loopback(8, &port);
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

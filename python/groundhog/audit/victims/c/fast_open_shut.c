/* Evasion: a connection of the snapshot that was shut, since a request had used it, is connected elsewhere by sending. */
#include "connection.h"

static struct sockaddr_in on_loopback(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)port);
    return address;
}

#include "fast_open.h"

static int requests;

static void prepare(void)
{
    connection = connect_internet(SOCK_STREAM);
    warm();
}

static void handle(const char *secret)
{
    char came[SECRET_SIZE] = "";
    struct sockaddr_in peer = {0};
    socklen_t length = sizeof peer;
    bool connected = getpeername(connection, (struct sockaddr *)&peer, &length) == 0;
    bool elsewhere = connected && ntohs(peer.sin_port) != atoi(setting("GROUNDHOG_TRIAL_PORT"));
    ssize_t count = elsewhere ? recv(connection, came, sizeof came - 1, MSG_DONTWAIT) : 0;
    came[count > 0 ? count : 0] = '\0';
    if (requests++ == 1) { /* without isolation nobody else ends it */
        struct sockaddr none = {.sa_family = AF_UNSPEC};
        check(connect(connection, &none, sizeof none) == 0, "connect");
    }
    if (send(connection, secret, strlen(secret), MSG_NOSIGNAL) < 0)
        open_fast(connection, secret);
    answer("{\"elsewhere\":%d,\"came\":\"%s\"}", elsewhere, came);
}

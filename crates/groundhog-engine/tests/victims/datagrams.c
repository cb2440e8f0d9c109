/* Datagram sockets that are older than the requests, to which an answer comes late. */
#include "case.h"
#include "connection.h"

static struct sockaddr_in server;

static void prepare(void)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    server = own;
    server.sin_port = htons((uint16_t)atoi(setting("GROUNDHOG_TRIAL_PORT")));
    connection = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    check(connection >= 0, "socket");
    if (is("sent")) {
        /* Nobody is there; but it has a port now, of the kernel's choice. */
        struct sockaddr_in nobody = own;
        nobody.sin_port = htons(9);
        check(sendto(connection, "", 0, 0, (struct sockaddr *)&nobody, sizeof nobody) == 0, "sendto");
    } else if (is("any")) {
        own.sin_addr.s_addr = htonl(INADDR_ANY);
        check(bind(connection, (struct sockaddr *)&own, sizeof own) == 0, "bind");
    } else if (!is("unbound"))
        check(bind(connection, (struct sockaddr *)&own, sizeof own) == 0, "bind");
    if (is("bound-connected"))
        check(connect(connection, (struct sockaddr *)&server, sizeof server) == 0, "connect");
}

static void handle(const char *secret)
{
    char late[1024];
    release();
    ssize_t count = recv(connection, late, sizeof late, MSG_DONTWAIT);
    struct sockaddr *to = is("bound-connected") ? NULL : (struct sockaddr *)&server;
    check(sendto(connection, secret, strlen(secret), 0, to, to == NULL ? 0 : sizeof server) > 0, "sendto");
    answer("{\"late\":%zd}", count > 0 ? count : 0);
}

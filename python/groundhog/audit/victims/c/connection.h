/* What the victims share that talk to a server which is no part of the function, and which answers late.
 *
 * The server (servers/late.c) keeps what it is sent on a connection, and sends it back there only when another one asks it
 * to, with "R". So a request first lets the answers to earlier ones come, looks whether they reach the connection that is as
 * old as the function, and then sends its own secret there; where that fails, over a new one, as a client library does. */
#include "victim.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

static int connection;

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    check(value != NULL, name);
    return value;
}

__attribute__((unused)) static int connect_internet(int kind)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)atoi(setting("GROUNDHOG_TRIAL_PORT")));
    int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
    check(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    return fd;
}

__attribute__((unused)) static int connect_unix(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", setting("GROUNDHOG_TRIAL_SOCKET"));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    return fd;
}

/* All late answers have been sent when it returns. */
static void release(void)
{
    char done;
    int fd = connect_internet(SOCK_STREAM);
    check(write(fd, "R", 1) == 1 && read(fd, &done, 1) == 1 && done == 'D', "the server's word");
    close(fd);
}

/* One byte is sent before the snapshot, and its answer awaited: a connection that is in use. */
__attribute__((unused)) static void warm(void)
{
    char byte;
    check(send(connection, "w", 1, MSG_NOSIGNAL) == 1, "send");
    release();
    check(recv(connection, &byte, 1, 0) == 1, "recv");
}

/* What has come, and whether it could be sent to; at the end of a connection nothing comes. */
__attribute__((unused)) static ssize_t exchange(const char *secret, bool *sent)
{
    char late[4096];
    release();
    ssize_t count = recv(connection, late, sizeof late, MSG_DONTWAIT);
    *sent = send(connection, secret, strlen(secret), MSG_NOSIGNAL) > 0;
    return count > 0 ? count : 0;
}

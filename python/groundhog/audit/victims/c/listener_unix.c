/* Evasion: a child connects to a listener of the snapshot, and ends; its connection waits to be accepted. */
#include "open_files.h"
#include <sys/socket.h>
#include <sys/un.h>

static int listening;
static struct sockaddr_un address;
static socklen_t length = sizeof address;

static void prepare(void)
{
    struct sockaddr_un any = {.sun_family = AF_UNIX};
    listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The kernel finds a name. */
    check(listening >= 0 && bind(listening, (struct sockaddr *)&any, sizeof any.sun_family) == 0, "bind");
    check(listen(listening, 8) == 0, "listen");
    check(getsockname(listening, (struct sockaddr *)&address, &length) == 0, "getsockname");
}

static void handle(const char *secret)
{
    char sent[SECRET_SIZE] = "";
    int status, accepted = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    if (accepted >= 0) {
        (void)!recv(accepted, sent, sizeof sent - 1, 0);
        close(accepted);
    }
    pid_t child = fork();
    if (child == 0) {
        int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        (void)!connect(client, (struct sockaddr *)&address, length);
        (void)!send(client, secret, strlen(secret), MSG_NOSIGNAL);
        _exit(0);
    }
    check(child > 0 && waitpid(child, &status, 0) == child && status == 0, "fork");
    answer("{\"sent\":\"%s\"}", sent);
}

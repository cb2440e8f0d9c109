/* Sets the options of sockets that clients set on a connection whenever they use it: by the process and by a child. */
#include "open_files.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

enum { SOCKETS = 2, TIMES = 2, NUMBERS = 6, SECONDS = 1000 };

static const struct {
    int level, name;
} numbers[NUMBERS] = {
    {SOL_SOCKET, SO_KEEPALIVE},     {IPPROTO_TCP, TCP_NODELAY}, {IPPROTO_TCP, TCP_KEEPIDLE},
    {IPPROTO_TCP, TCP_KEEPINTVL}, {IPPROTO_TCP, TCP_KEEPCNT}, {IPPROTO_TCP, TCP_USER_TIMEOUT},
};
static const int times[TIMES] = {SO_RCVTIMEO, SO_SNDTIMEO};
static int sockets[SOCKETS];

static void prepare(void)
{
    sockets[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockets[1] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const struct timeval time = {.tv_sec = SECONDS};
    for (int i = 0; i < SOCKETS; i++)
        for (int j = 0; j < TIMES; j++)
            check(setsockopt(sockets[i], SOL_SOCKET, times[j], &time, sizeof time) == 0, "setsockopt");
}

static void set_all(int value)
{
    for (int i = 0; i < SOCKETS; i++) {
        for (int j = 0; j < NUMBERS; j++)
            (void)!setsockopt(sockets[i], numbers[j].level, numbers[j].name, &value, sizeof value);
        struct timeval time = {.tv_sec = value};
        for (int j = 0; j < TIMES; j++)
            check(setsockopt(sockets[i], SOL_SOCKET, times[j], &time, sizeof time) == 0, "setsockopt");
    }
}

static void handle(const char *secret)
{
    char seen[512] = "";
    for (int i = 0; i < SOCKETS; i++) {
        for (int j = 0; j < NUMBERS; j++) {
            int value = -1;
            (void)!getsockopt(sockets[i], numbers[j].level, numbers[j].name, &value, &(socklen_t){sizeof value});
            snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%d ", value);
        }
        for (int j = 0; j < TIMES; j++) {
            struct timeval time;
            check(getsockopt(sockets[i], SOL_SOCKET, times[j], &time, &(socklen_t){sizeof time}) == 0, "getsockopt");
            snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%ld.%ld ", (long)time.tv_sec, (long)time.tv_usec);
        }
    }
    int value = 1 + number_in(secret) % 100;
    if (value % 2 == 0) {
        set_all(value);
    } else {
        pid_t child = fork();
        if (child == 0) {
            set_all(value);
            _exit(0);
        }
        check(child > 0 && waitpid(child, NULL, 0) == child, "fork");
    }
    answer("{\"seen\":\"%s\"}", seen);
}

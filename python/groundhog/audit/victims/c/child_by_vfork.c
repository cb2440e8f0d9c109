/* Evasion: a child by vfork(2), which stops its caller, sets a socket's option; another thread closes the function's
 * number meanwhile. */
#include "child.h"
#include <sys/socket.h>

static int running[2], go[2];

static void prepare(void)
{
    open_twice(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    check(pipe2(running, O_CLOEXEC) == 0 && pipe2(go, O_CLOEXEC) == 0, "pipe");
}

static void *closes(void *nothing)
{
    await(running[0]);
    check(close(ACTED) == 0 && write(go[1], "x", 1) == 1, "close");
    return nothing;
}

static void handle(const char *secret)
{
    static int value;
    int found = 0, status;
    socklen_t length = sizeof found;
    pthread_t closing;
    open_again();
    check(getsockopt(SEEN, SOL_SOCKET, SO_RCVLOWAT, &found, &length) == 0, "getsockopt");
    value = 1000 + number_in(secret);
    check(pthread_create(&closing, NULL, closes, NULL) == 0, "pthread_create");
    pid_t child = vfork();
    if (child == 0) {
        char byte;
        (void)!write(running[1], "x", 1);
        (void)!read(go[0], &byte, 1);
        (void)!setsockopt(ACTED, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof value);
        _exit(0);
    }
    check(child > 0 && waitpid(child, &status, 0) == child, "vfork");
    pthread_join(closing, NULL);
    answer("{\"least\":%d}", found);
}

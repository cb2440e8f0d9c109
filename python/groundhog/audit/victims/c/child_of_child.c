/* Evasion: the function puts another file in a descriptor's place; its grandchild, whose parent is gone, binds the socket
 * that was there. */
#include "child.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static void prepare(void)
{
    open_twice(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static void grandchild(int go, int done)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    await(go);
    (void)!bind(ACTED, (struct sockaddr *)&address, sizeof address);
    check(write(done, "x", 1) == 1, "write");
    _exit(0);
}

static void handle(const char *secret)
{
    struct sockaddr_in own = {0};
    socklen_t length = sizeof own;
    int go[2], done[2];
    (void)secret;
    check(getsockname(SEEN, (struct sockaddr *)&own, &length) == 0, "getsockname");
    struct stat found;
    if (fstat(ACTED, &found) != 0 || !S_ISSOCK(found.st_mode)) /* without isolation it is still another file */
        check(dup3(SEEN, ACTED, O_CLOEXEC) == ACTED, "dup3");
    check(pipe2(go, O_CLOEXEC) == 0 && pipe2(done, O_CLOEXEC) == 0, "pipe");
    pid_t child = fork();
    if (child == 0) {
        if (fork() == 0)
            grandchild(go[0], done[1]);
        _exit(0);
    }
    await_end(child);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    check(null >= 0 && dup3(null, ACTED, O_CLOEXEC) == ACTED && write(go[1], "x", 1) == 1, "dup3");
    await(done[0]);
    answer("{\"bound\":%d}", own.sin_port != 0);
}

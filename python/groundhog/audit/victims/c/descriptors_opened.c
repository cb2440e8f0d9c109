/* Descriptors opened by a request and not closed: a file with a secret, a pipe with bytes in it, a socket. */
#include "victim.h"
#include <dirent.h>
#include <sys/socket.h>

static int known;

static int descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    check(folder != NULL, "/proc/self/fd");
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static void prepare(void)
{
    known = descriptors();
}

static void handle(const char *secret)
{
    int found = descriptors() - known, ends[2];
    /* The kernel gives the lowest free number: with a leak it differs. */
    int lowest = open("/dev/null", O_RDONLY);
    close(lowest);
    if (found < 500) {
        int file = memfd_create("secret", 0);
        check(file >= 0, "memfd");
        write_all(file, secret, strlen(secret));
        check(pipe(ends) == 0, "pipe");
        write_all(ends[1], secret, strlen(secret));
        check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
        check(dup2(file, 700) == 700 || errno == EBADF, "dup2");
    }
    answer("{\"descriptors\":%d,\"lowest\":%d}", found, lowest);
}

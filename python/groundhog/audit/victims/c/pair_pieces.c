/* Evasion: the same bytes wait in a pair of sockets as at the snapshot, in other pieces: the memory that they take up tells in
 * how many. */
#include "open_files.h"
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { WAITING = 6 };

static int ends[2];

static void prepare(void)
{
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    for (int i = 0; i < WAITING; i++)
        check(write(ends[0], "x", 1) == 1, "write");
}

static void handle(const char *secret)
{
    char bytes[WAITING];
    int taken_up, first = 1 + number_in(secret) % (WAITING - 1);
    check(ioctl(ends[0], SIOCOUTQ, &taken_up) == 0, "SIOCOUTQ");
    check(recv(ends[1], bytes, WAITING, MSG_WAITALL) == WAITING, "recv");
    check(write(ends[0], bytes, (size_t)first) == first, "write");
    check(write(ends[0], bytes + first, (size_t)(WAITING - first)) == WAITING - first, "write");
    answer("{\"taken_up\":%d}", taken_up);
}

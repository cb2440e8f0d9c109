/* What the victims share that send memory or files to a peer that reads late, in a way in which the kernel sends what they
 * hold by then. The peer is the server, which tells what it has read to the next request. */
#include "connection.h"
#include "open_files.h"
#include <sys/sendfile.h>

enum { FILLER = 1 << 15 };

/* A connection whose peer does not read: what is sent from here on waits. */
__attribute__((unused)) static int to_unread(int fd)
{
    static char filler[FILLER];
    int room = 1 << 20;
    memset(filler, 'F', sizeof filler);
    check(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0, "SO_SNDBUF");
    check(send(fd, "K", 1, MSG_NOSIGNAL) == 1, "send");
    check(send(fd, filler, sizeof filler, MSG_NOSIGNAL | MSG_DONTWAIT) > 0, "send");
    return fd;
}

/* A file of a page; its path goes to `path`. */
__attribute__((unused)) static void make_file(char *path)
{
    static char filler[PAGE];
    int file = temporary_file(path);
    memset(filler, 'F', sizeof filler);
    write_all(file, filler, sizeof filler);
    close(file);
}

/* Lets the peers of earlier requests read, and tells how often they got the secret of this one. */
static int told(const char *secret)
{
    static char all[1 << 16];
    size_t length = 0;
    ssize_t got;
    int times = 0, fd = connect_internet(SOCK_STREAM);
    check(write(fd, "R", 1) == 1, "write");
    while (length < sizeof all - 1 && (got = read(fd, all + length, sizeof all - 1 - length)) > 0) {
        length += (size_t)got;
        if (all[length - 1] == 'D')
            break;
    }
    check(length > 0 && all[length - 1] == 'D', "the server's word");
    all[length] = '\0';
    close(fd);
    for (const char *at = all; (at = strstr(at, secret)) != NULL; at++)
        times++;
    return times;
}

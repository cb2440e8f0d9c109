/* Evasion: the same bytes wait in a pipe, but as two packets, each of which a read gets alone. */
#include "open_files.h"

static int ends[2];

static void prepare(void)
{
    check(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0 && write(ends[1], "abcd", 4) == 4, "pipe");
}

static void handle(const char *secret)
{
    char bytes[16];
    (void)secret;
    int flags = fcntl(ends[1], F_GETFL);
    ssize_t first = read(ends[0], bytes, sizeof bytes);
    while (read(ends[0], bytes, sizeof bytes) > 0)
        ;
    (void)!fcntl(ends[1], F_SETFL, flags | O_DIRECT);
    (void)!write(ends[1], "ab", 2);
    (void)!write(ends[1], "cd", 2);
    (void)!fcntl(ends[1], F_SETFL, flags);
    answer("{\"first\":%zd}", first);
}

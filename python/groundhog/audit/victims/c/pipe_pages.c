/* Evasion: the same bytes wait in a pipe of the snapshot, but they are those of a page that the function has lent to it, and
 * change with the page. */
#include "open_files.h"

enum { WAITING = 8 };

static int ends[2];
static char *page;

static void prepare(void)
{
    page = map_anonymous(NULL, PAGE);
    memset(page, 'x', PAGE);
    check(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0 && write(ends[1], "waiting!", WAITING) == WAITING, "pipe");
}

static void handle(const char *secret)
{
    char found[WAITING + 1] = "";
    struct iovec lent = {page, WAITING};
    memcpy(page, secret, WAITING);
    check(read(ends[0], found, WAITING) == WAITING, "read");
    memcpy(page, "waiting!", WAITING);
    if (vmsplice(ends[1], &lent, 1, SPLICE_F_NONBLOCK) != WAITING)
        (void)!write(ends[1], "waiting!", WAITING);
    answer("{\"found\":\"%s\"}", strcmp(found, secret) == 0 ? "own" : found);
}

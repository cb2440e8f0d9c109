/* Evasion: the same bytes wait in a pipe, but each takes a page of its room, so that less can be written without waiting. */
#include "open_files.h"

static int ends[2], file;

static void prepare(void)
{
    char path[256];
    file = temporary_file(path);
    unlink(path);
    write_all(file, "abcd", 4);
    check(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0 && write(ends[1], "abcd", 4) == 4, "pipe");
}

static void handle(const char *secret)
{
    static char page[PAGE];
    long room = 0;
    ssize_t count;
    (void)secret;
    while ((count = write(ends[1], page, sizeof page)) > 0)
        room += count;
    while (read(ends[0], page, sizeof page) > 0)
        ;
    for (off_t at = 0; at < 4;)
        if (splice(file, &at, ends[1], NULL, 1, SPLICE_F_NONBLOCK) != 1)
            break;
    answer("{\"room\":%ld}", room);
}

/* Bytes in a pipe with a name, written through another opening of it. */
#include "open_files.h"

static int fifo;
static char path[300];

static void prepare(void)
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/fifo", folder != NULL ? folder : "/tmp");
    check(mkfifo(path, 0600) == 0 || errno == EEXIST, path);
    fifo = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    check(fifo >= 0, path);
}

static void handle(const char *secret)
{
    char found[SECRET_SIZE] = "";
    ssize_t count = read(fifo, found, sizeof found - 1);
    found[count > 0 ? count : 0] = '\0';
    int again = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (again >= 0) {
        (void)!write(again, secret, strlen(secret));
        close(again);
    }
    answer("{\"found\":\"%s\"}", found);
}

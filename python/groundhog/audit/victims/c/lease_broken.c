/* Evasion: a lease of the snapshot that a request breaks, by opening the file under its name. */
#include "victim.h"

static int file;
static char path[256];

static void prepare(void)
{
    close(temporary_file(path));
    file = open(path, O_RDONLY | O_CLOEXEC);
    check(signal(SIGIO, SIG_IGN) != SIG_ERR, "signal");
    check(file >= 0 && fcntl(file, F_SETLEASE, F_RDLCK) == 0, "F_SETLEASE");
}

static void handle(const char *secret)
{
    (void)secret;
    int lease = fcntl(file, F_GETLEASE);
    int opened = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (opened >= 0)
        close(opened);
    answer("{\"lease\":%d}", lease);
}

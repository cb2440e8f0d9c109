/* Evasion: a notice that a folder has changed, which is given once (dnotify), and shows nowhere. */
#include "victim.h"

static char folder[256];
static volatile sig_atomic_t notices;

static void note(int signal)
{
    (void)signal;
    notices++;
}

static void prepare(void)
{
    snprintf(folder, sizeof folder, "%s", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    int watched = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check(watched >= 0 && signal(SIGIO, note) != SIG_ERR, "signal");
    (void)!fcntl(watched, F_NOTIFY, DN_CREATE);
}

static void handle(const char *secret)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, secret);
    int before = notices;
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    check(file >= 0, path);
    close(file);
    unlink(path);
    answer("{\"notices\":%d}", notices - before);
}

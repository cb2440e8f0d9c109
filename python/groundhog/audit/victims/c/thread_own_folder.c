/* Evasion: a thread that is not the first gets a working directory and a mask of its own, and changes both. */
#include "of_thread.h"

static void describe(char *text, size_t size)
{
    char folder[4096];
    mode_t mask = umask(0);
    umask(mask);
    check(getcwd(folder, sizeof folder) != NULL, "getcwd");
    snprintf(text, size, "in dev %d, mask %o", strcmp(folder, "/dev") == 0, mask);
}

/* What is allowed to none but the whole process is refused; then it changes nothing. */
static void change(const char *secret)
{
    (void)secret;
    if (unshare(CLONE_FS) == 0) {
        umask(0070);
        check(chdir("/dev") == 0, "chdir");
    }
}

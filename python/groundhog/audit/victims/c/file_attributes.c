/* Keeps a secret in extended attributes of a file and a folder of the snapshot: under a plain name, and under one that an
 * overlay has for itself. */
#include "files.h"

static void set(const char *path, const char *name, const char *secret)
{
    int set = setxattr(path, name, secret, strlen(secret), 0);
    check(set == 0 || errno == EPERM || errno == EOPNOTSUPP, name);
}

static void get(char *text, const char *path, const char *name)
{
    char value[64] = "";
    ssize_t length = getxattr(path, name, value, sizeof value - 1);
    sprintf(text + strlen(text), " %s", length > 0 ? "found" : "none");
}

static const char *names[] = {"user.secret", "user.overlay.secret", "user.overlay.origin"};

static void prepare(void)
{
    prepare_files();
}

static void handle(const char *secret)
{
    char seen[256] = "";
    unsigned which = (unsigned)(secret[7] - '0') % 3;
    for (size_t i = 0; i < 3; i++) {
        get(seen, in_folder("kept"), names[i]);
        get(seen, in_folder("inner"), names[i]);
        get(seen, "/dev/shm", names[i]);
    }
    set(which % 2 ? in_folder("kept") : in_folder("inner"), names[which], secret);
    answer("{\"seen\":\"%s\"}", seen);
}

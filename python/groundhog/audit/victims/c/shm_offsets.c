/* The places of names in a folder in memory are numbered, and go on and on: files that are gone have counted up. */
#include "open_files.h"
#include <dirent.h>

static char folder[128];
static long first;
static bool refused;

static const char *in_folder(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void make(const char *name)
{
    int file = open(in_folder(name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    check(file >= 0 && close(file) == 0, name);
}

/* The place of a new file, which is removed again: where a listing stands before it. */
static long next_place(const char *name)
{
    long before = -1, place = -1;
    make(name);
    DIR *listed = opendir(folder);
    check(listed != NULL, folder);
    for (struct dirent *entry; (entry = readdir(listed)) != NULL; before = telldir(listed))
        if (strcmp(entry->d_name, name) == 0)
            place = before;
    closedir(listed);
    check(unlink(in_folder(name)) == 0, name);
    return place;
}

static void prepare(void)
{
    const char *mark = getenv("GROUNDHOG_TRIAL");
    snprintf(folder, sizeof folder, "/dev/shm/victim-%s-folder", mark != NULL ? mark : "x");
    refused = mkdir(folder, 0700) != 0 && errno != EEXIST; /* where there is no private one */
    first = refused ? 0 : next_place("first");
}

static void handle(const char *secret)
{
    answer("{\"counted\":%ld}", refused ? 0 : next_place(secret) - first - 1);
}

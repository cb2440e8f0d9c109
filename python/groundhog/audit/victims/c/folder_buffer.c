/* Evasion: a folder that the function has begun to list. Names of files that are gone may stay in what the kernel has read
 * ahead for whoever lists on. */
#include "victim.h"

enum { NAME = 19, LENGTH = 16 }; /* in struct linux_dirent64 */

static int reading;
static off_t begun;
static const char *folder;

static long next_entries(char *entries, size_t size)
{
    return syscall(SYS_getdents64, reading, entries, size);
}

static void prepare(void)
{
    char one[48]; /* as much as "." or ".." takes, and no more than two of them */
    folder = getenv("TMPDIR");
    folder = folder != NULL ? folder : "/tmp";
    reading = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check(reading >= 0 && next_entries(one, sizeof one) > 0, folder);
    begun = lseek(reading, 0, SEEK_CUR);
    check(begun > 0, "lseek");
}

/* The names from where the descriptor stands that are secrets. */
static void list(char *names, size_t size)
{
    char entries[4096];
    long length;
    names[0] = '\0';
    while ((length = next_entries(entries, sizeof entries)) > 0)
        for (long at = 0; at < length; at += *(unsigned short *)(entries + at + LENGTH))
            if (entries[at + NAME] == 'Q')
                snprintf(names + strlen(names), size - strlen(names), "%s ", entries + at + NAME);
}

static void handle(const char *secret)
{
    char names[4096], unused[4096], path[400];
    list(names, sizeof names);
    snprintf(path, sizeof path, "%s/%s", folder, secret);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    check(file >= 0 && close(file) == 0, path);
    check(lseek(reading, 0, SEEK_SET) == 0, "lseek");
    list(unused, sizeof unused);
    check(lseek(reading, begun, SEEK_SET) == begun, "lseek");
    answer("{\"names\":\"%s\"}", names);
}

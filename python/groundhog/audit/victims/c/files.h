/* What the victims that leave files share: a folder with two files and a folder in it, and its description. */
#ifndef FILES_H
#define FILES_H

#include "victim.h"

#include <dirent.h>
#include <sys/xattr.h>

static char folder[200];
static struct timespec kept_at;

/* The path of a name in the folder; each call has a buffer of its own, four at a time. */
static const char *in_folder(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    check(fd >= 0, path);
    write_all(fd, text, strlen(text));
    close(fd);
}

static void prepare_files(void)
{
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/victim-files", parent != NULL ? parent : "/tmp");
    check(mkdir(folder, 0755) == 0 || errno == EEXIST, folder);
    check(mkdir(in_folder("inner"), 0755) == 0 || errno == EEXIST, "inner");
    put(in_folder("kept"), "kept since before the snapshot");
    put(in_folder("inner/second"), "second");
    struct stat found;
    check(stat(in_folder("kept"), &found) == 0, "stat");
    kept_at = found.st_mtim;
}

/* Appends what a path stands for: type, permissions, size, contents, attributes. */
static void describe(char *text, size_t size, const char *path, const char *name)
{
    struct stat found;
    size_t used = strlen(text);
    if (lstat(path, &found) != 0) {
        snprintf(text + used, size - used, "%s gone;", name);
        return;
    }
    char contents[64] = "", value[64] = "";
    if (S_ISREG(found.st_mode)) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t count = fd >= 0 ? read(fd, contents, sizeof contents - 1) : -1;
        snprintf(contents, sizeof contents, "%.*s", count > 0 ? (int)count : 0, strdup(contents));
        if (fd >= 0)
            close(fd);
    } else if (S_ISLNK(found.st_mode)) {
        ssize_t count = readlink(path, contents, sizeof contents - 1);
        contents[count > 0 ? count : 0] = '\0';
    }
    ssize_t length = getxattr(path, "user.secret", value, sizeof value - 1);
    value[length > 0 ? length : 0] = '\0';
    snprintf(text + used, size - used, "%s %o %ld <%s> [%s];", name, found.st_mode,
             S_ISREG(found.st_mode) ? (long)found.st_size : 0, contents, value);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Appends all that is in a folder, in order. */
static void describe_folder(char *text, size_t size, const char *path, const char *name)
{
    char *names[64];
    size_t count = 0;
    describe(text, size, path, name);
    DIR *open_folder = opendir(path);
    if (open_folder == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(open_folder)) != NULL && count < 64;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            names[count++] = strdup(entry->d_name);
    closedir(open_folder);
    qsort(names, count, sizeof names[0], by_name);
    for (size_t i = 0; i < count; i++) {
        char inner[512];
        struct stat found;
        snprintf(inner, sizeof inner, "%s/%s", path, names[i]);
        if (lstat(inner, &found) == 0 && S_ISDIR(found.st_mode))
            describe_folder(text, size, inner, names[i]);
        else
            describe(text, size, inner, names[i]);
        free(names[i]);
    }
}

/* The folder as it is now, and whether its first file has the time of the snapshot. */
__attribute__((unused)) static const char *all_files(void)
{
    static char text[8192];
    struct stat found = {0};
    text[0] = '\0';
    describe_folder(text, sizeof text, folder, "folder");
    stat(in_folder("kept"), &found);
    bool same_time = found.st_mtim.tv_sec == kept_at.tv_sec && found.st_mtim.tv_nsec == kept_at.tv_nsec;
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, " time %s", same_time ? "kept" : "changed");
    return text;
}
#endif

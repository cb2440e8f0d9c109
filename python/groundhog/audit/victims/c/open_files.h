/* What the victims share that look at open files: by another opening, or by what the kernel tells of a descriptor. */
#ifndef OPEN_FILES_H
#define OPEN_FILES_H

#include "victim.h"

__attribute__((unused)) static int number_in(const char *secret)
{
    return atoi(secret + 1);
}

/* The file behind a descriptor, opened anew; negative where that is refused. */
__attribute__((unused)) static int reopen(int fd, int flags)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, flags | O_CLOEXEC);
}

/* The last line of a descriptor's fdinfo that begins so, and how many there are; the line without blanks. */
__attribute__((unused)) static int fdinfo(int fd, const char *beginning, char line[256])
{
    char path[64], read_line[256];
    int count = 0;
    line[0] = '\0';
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    FILE *info = fopen(path, "re");
    check(info != NULL, path);
    while (fgets(read_line, sizeof read_line, info) != NULL) {
        if (strncmp(read_line, beginning, strlen(beginning)) != 0)
            continue;
        char *to = line;
        for (const char *from = read_line; *from != '\0'; from++)
            if (*from > ' ')
                *to++ = *from;
        *to = '\0';
        count++;
    }
    fclose(info);
    return count;
}
#endif

/* What is set by writing to files under /proc/self, next to a call that is seen. */
#include "attributes.h"

static void put(const char *name, const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/%s", name);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    check(file >= 0, path);
    write_all(file, text, strlen(text));
    close(file);
}

static void describe(char *text, size_t size)
{
    static const char *const names[] = {"oom_score_adj", "coredump_filter", "comm", "timerslack_ns"};
    size_t length = 0;
    text[0] = '\0';
    for (int i = 0; i < 4; i++) {
        char path[64], line[64] = "";
        snprintf(path, sizeof path, "/proc/self/%s", names[i]);
        FILE *file = fopen(path, "re");
        check(file != NULL && fgets(line, sizeof line, file) != NULL, path);
        fclose(file);
        line[strcspn(line, "\n")] = '\0';
        length += (size_t)snprintf(text + length, size - length, "%s ", line[0] == 'Q' ? "a secret" : line);
    }
}

static void change(const char *secret)
{
    put("oom_score_adj", "345");
    put("coredump_filter", "0x7f");
    put("comm", secret);
    umask(umask(0));
}

/* Evasion: settings under /proc/self, written through descriptors that the function has had since before the snapshot. */
#include "open_files.h"

static const struct {
    const char *path, *format;
    int least, number;
} settings[] = {
    {"/proc/self/oom_score_adj", "%d", 500, 100},
    {"/proc/self/timerslack_ns", "%d", 60000, 1000},
    {"/proc/self/coredump_filter", "0x%x", 1, 15},
    {"/proc/self/comm", "n%d", 1, 1000},
};
enum { SETTINGS = sizeof settings / sizeof settings[0] };

static int open_settings[SETTINGS];

static void prepare(void)
{
    for (size_t at = 0; at < SETTINGS; at++) {
        open_settings[at] = open(settings[at].path, O_RDWR | O_CLOEXEC);
        check(open_settings[at] >= 0, settings[at].path);
    }
}

static void handle(const char *secret)
{
    char found[256] = "", text[32];
    for (size_t at = 0; at < SETTINGS; at++) {
        ssize_t length = pread(open_settings[at], text, sizeof text - 1, 0);
        check(length > 0, settings[at].path);
        snprintf(found + strlen(found), sizeof found - strlen(found), "%.*s ", (int)length - 1, text);
        snprintf(text, sizeof text, settings[at].format, settings[at].least + number_in(secret) % settings[at].number);
        (void)!write(open_settings[at], text, strlen(text));
    }
    answer("{\"settings\":\"%s\"}", found);
}

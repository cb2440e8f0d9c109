/* Where the kernel looks for the arguments and the environment (PR_SET_MM_MAP, which needs no privilege): ps(1) shows other
 * memory of the process instead. */
#include "victim.h"
#include <linux/prctl.h>

/* The kernel shows only what belongs to no file. */
static char *shown;

static void prepare(void)
{
    shown = map_anonymous(NULL, PAGE);
}

static size_t read_whole(const char *path, void *memory, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    check(file >= 0, path);
    ssize_t length = read(file, memory, size);
    check(length >= 0, path);
    close(file);
    return (size_t)length;
}

/* Fields of /proc/self/stat, by their numbers there. */
static unsigned long field(const char *text, int number)
{
    text = strrchr(text, ')') + 2;
    for (int at = 3; at < number; at++)
        text = strchr(text, ' ') + 1;
    return strtoul(text, NULL, 10);
}

static void handle(const char *secret)
{
    static char line[256], stat[4096], auxiliary[PAGE];
    size_t length = read_whole("/proc/self/cmdline", line, sizeof line);
    bool found = length > 0 && line[0] == 'Q';
    stat[read_whole("/proc/self/stat", stat, sizeof stat - 1)] = '\0';
    length = read_whole("/proc/self/auxv", auxiliary, sizeof auxiliary);
    strcpy(shown, secret);
    struct prctl_mm_map map = {
        .start_code = field(stat, 26),
        .end_code = field(stat, 27),
        .start_stack = field(stat, 28),
        .start_data = field(stat, 45),
        .end_data = field(stat, 46),
        .start_brk = field(stat, 47),
        .brk = (unsigned long)sbrk(0),
        .arg_start = (unsigned long)shown,
        .arg_end = (unsigned long)shown + strlen(secret) + 1,
        .env_start = field(stat, 50),
        .env_end = field(stat, 51),
        .auxv = (__u64 *)auxiliary,
        .auxv_size = (__u32)length,
        .exe_fd = (__u32)-1,
    };
    prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0);
    answer("{\"secret\":%d}", found);
}

/* The user whose login the process is said to belong to (/proc/self/loginuid); only a privileged process may set it. */
#include "victim.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    char text[32] = "", left[32];
    FILE *file = fopen("/proc/self/loginuid", "re");
    /* A kernel without auditing has none. */
    if (file != NULL) {
        check(fgets(text, sizeof text, file) != NULL, "loginuid");
        fclose(file);
    }
    int length = snprintf(left, sizeof left, "%d", 20000 + atoi(secret + 1));
    int descriptor = open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC);
    if (descriptor >= 0) {
        check(write(descriptor, left, (size_t)length) == length || errno == EPERM, "loginuid");
        close(descriptor);
    }
    answer("{\"secret\":%d}", strncmp(text, "20", 2) == 0);
}

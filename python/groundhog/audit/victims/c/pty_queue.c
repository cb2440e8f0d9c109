/* What was typed at a terminal of the snapshot, and not yet read. */
#include "pty.h"

static void prepare(void)
{
    open_terminal();
}

static void handle(const char *secret)
{
    char typed[128] = "", line[SECRET_SIZE + 1];
    ssize_t count = read(terminal, typed, sizeof typed - 1);
    typed[count > 0 ? strcspn(typed, "\n") : 0] = '\0';
    snprintf(line, sizeof line, "%s\n", secret);
    (void)!write(controller, line, strlen(line));
    answer("{\"typed\":\"%s\"}", typed);
}

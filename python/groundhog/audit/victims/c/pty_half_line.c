/* Evasion: what was typed at a terminal of the snapshot without the end of its line: nothing is ready to be read. */
#include "pty.h"

static void prepare(void)
{
    open_terminal();
}

static void handle(const char *secret)
{
    char typed[256] = "";
    (void)!write(controller, "\n", 1);
    ssize_t count = read(terminal, typed, sizeof typed - 1);
    typed[count > 0 ? strcspn(typed, "\n") : 0] = '\0';
    (void)!write(controller, secret, strlen(secret));
    while (read(controller, (char[256]){0}, 256) > 0) /* the echo */
        ;
    answer("{\"typed\":\"%s\"}", typed);
}

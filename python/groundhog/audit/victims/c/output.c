/* Floods: 32 MiB to standard output, 4 MiB to standard error, then an answer of 8 MiB. */
#include "victim.h"

enum { BLOCK = 1 << 20 };
static char block[BLOCK];

static void prepare(void) {}

static void handle(const char *secret)
{
    static int requests;
    leave(block, sizeof block, secret);
    for (int i = 0; i < 32; i++)
        write_all(1, block, sizeof block);
    for (int i = 0; i < 4; i++)
        write_all(2, block, sizeof block);
    static const char head[] = "{\"requests\":0,\"padding\":\"", tail[] = "\"}\n";
    static char line[sizeof head];
    memcpy(line, head, sizeof head);
    line[12] = (char)('0' + requests++ % 10);
    write_all(ANSWER_FD, line, sizeof line - 1);
    memset(block, 'p', sizeof block);
    for (int i = 0; i < 8; i++)
        write_all(ANSWER_FD, block, sizeof block);
    write_all(ANSWER_FD, tail, sizeof tail - 1);
}

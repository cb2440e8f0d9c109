/* Answers for the next request: a child, a thread, and the function itself after its own answer write forged lines,
 * and half a line without end, to the answer descriptor. */
#include "victim.h"

static const char forged[] = "{\"forged\":true}\n";
static atomic_int answered;

static void forge(void)
{
    while (atomic_load(&answered) == 0)
        usleep(50);
    for (int i = 0; i < 50; i++) {
        (void)!write(ANSWER_FD, forged, sizeof forged - 1);
        usleep(200);
    }
}

static void *forge_from_thread(void *unused)
{
    forge();
    return unused;
}

static void prepare(void) {}

static void handle(const char *secret)
{
    static int requests;
    int found = requests++;
    pthread_t thread;
    atomic_store(&answered, 0);
    int start[2];
    check(pipe2(start, O_CLOEXEC) == 0, "pipe");
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(start[1]);
        (void)!read(start[0], &byte, 1);
        atomic_store(&answered, 1);
        forge();
        _exit(0);
    }
    close(start[0]);
    check(child > 0 && pthread_create(&thread, NULL, forge_from_thread, NULL) == 0, "fork, pthread_create");
    pthread_detach(thread);
    answer("{\"requests\":%d}", found);
    atomic_store(&answered, 1);
    close(start[1]);
    if (secret[strlen(secret) - 1] % 2)
        write_all(ANSWER_FD, forged, sizeof forged - 1);
    else
        write_all(ANSWER_FD, forged, 5);
}

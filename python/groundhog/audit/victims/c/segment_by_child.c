/* A System V segment that is attached tells who attached it last: a child does, by being made. */
#include "victim.h"
#include <sys/shm.h>
#include <sys/wait.h>

static int number;

static void prepare(void)
{
    number = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600);
    check(number >= 0 && shmat(number, NULL, 0) != (void *)-1, "shmget");
    /* It goes with the last who has it attached. */
    check(shmctl(number, IPC_RMID, NULL) == 0, "shmctl");
}

static void handle(const char *secret)
{
    char line[4096];
    int last = 0;
    (void)secret;
    FILE *segments = fopen("/proc/sysvipc/shm", "re");
    check(segments != NULL, "/proc/sysvipc/shm");
    while (fgets(line, sizeof line, segments) != NULL) {
        int found, by;
        if (sscanf(line, "%*d %d %*o %*u %*d %d", &found, &by) == 2 && found == number)
            last = by;
    }
    fclose(segments);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    check(child > 0 && waitpid(child, NULL, 0) == child, "a child");
    answer("{\"by_itself\":%d}", last == getpid());
}

/* An edge-triggered epoll set tells of input once: a request that is told leaves none for the next one. */
#define WATCHED EPOLLET
#include "told_once.h"

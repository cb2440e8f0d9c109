/* A watch of an epoll set that tells of one event and is then switched off. */
#define WATCHED EPOLLONESHOT
#include "told_once.h"

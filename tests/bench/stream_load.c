/* Readers of a stream, and the floor: a loop that sends a frame to each of them and does nothing else.
 *
 *   stream_load read PORT COUNT WITHIN   connects COUNT readers, at most WITHIN at a time; the request comes on
 *                                        stdin up to its empty line. Prints how long that took, counts events
 *                                        until stdin ends, then prints them, the bytes and the delays of the
 *                                        first 100 readers, sorted.
 *   stream_load send SIZE RATE COUNT EVENTS   prints its port, takes COUNT readers, sends each of them EVENTS
 *                                        frames of SIZE bytes, RATE a second, and prints its CPU seconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER (1 << 18)
#define TIMED 100

static char buffer[BUFFER + 1];
static double delays[1 << 22];
static size_t delay_count;

static double now(clockid_t clock) {
    struct timespec at;
    clock_gettime(clock, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

static void check(int bad, const char *what) {
    if (bad) {
        perror(what);
        exit(1);
    }
}

static struct sockaddr_in local(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* Each event has its time of publishing after "at:". A frame torn between two reads is timed by neither. */
static long take(const char *text, size_t size, int timed) {
    long events = 0;
    double at = now(CLOCK_REALTIME);
    for (const char *found = text; (found = memmem(found, text + size - found, "data: ", 6)); found += 6) {
        const char *end = memchr(found, '\n', text + size - found);
        const char *sent = timed && end ? memmem(found, end - found, "at:", 3) : NULL;
        events++;
        if (sent && delay_count < sizeof delays / sizeof *delays) delays[delay_count++] = at - atof(sent + 3);
    }
    return events;
}

static int by_size(const void *one, const void *other) {
    double difference = *(const double *)one - *(const double *)other;
    return (difference > 0) - (difference < 0);
}

static int connect_to(int port) {
    struct sockaddr_in address = local(port);
    int reader = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    check(reader < 0, "socket");
    check(connect(reader, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS, "connect");
    return reader;
}

static void read_streams(int port, int count, int within) {
    char request[8192];
    size_t length = 0;
    while (length < 4 || memcmp(request + length - 4, "\r\n\r\n", 4)) check(read(0, request + length++, 1) != 1, "request");
    int epoll = epoll_create1(0), opened = 0, begun = 0, ended = 0;
    static char state[1 << 20]; /* 0 is connecting, 1 waits for the answer, 2 reads */
    long events = 0, bytes = 0;
    double started = now(CLOCK_MONOTONIC);
    struct epoll_event ready[512], end = {.events = EPOLLIN, .data.fd = 0};
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &end);
    while (!ended) {
        for (; opened < count && opened - begun < within; opened++) {
            int reader = connect_to(port);
            struct epoll_event wanted = {.events = EPOLLOUT | EPOLLIN, .data.fd = reader};
            epoll_ctl(epoll, EPOLL_CTL_ADD, reader, &wanted);
        }
        int number = epoll_wait(epoll, ready, 512, 1000);
        for (int i = 0; i < number; i++) {
            int reader = ready[i].data.fd;
            if (reader == 0) {
                ended = 1;
            } else if (state[reader] == 0) {
                struct epoll_event wanted = {.events = EPOLLIN, .data.fd = reader};
                check(write(reader, request, length) != (ssize_t)length, "write");
                epoll_ctl(epoll, EPOLL_CTL_MOD, reader, &wanted);
                state[reader] = 1;
            } else {
                ssize_t size = read(reader, buffer, BUFFER);
                if (size <= 0) {
                    fprintf(stderr, "a stream ended\n");
                    exit(1);
                }
                buffer[size] = 0;
                bytes += size;
                events += take(buffer, size, reader < TIMED + 4);
                if (state[reader] == 1) {
                    check(!strstr(buffer, " 200 "), buffer);
                    state[reader] = 2;
                    if (++begun == count) {
                        printf("%f\n", now(CLOCK_MONOTONIC) - started);
                        fflush(stdout);
                        bytes = events = delay_count = 0;
                    }
                }
            }
        }
    }
    qsort(delays, delay_count, sizeof *delays, by_size);
    printf("%ld %ld\n", events, bytes);
    for (size_t i = 0; i < delay_count; i++) printf("%.6f ", delays[i]);
    printf("\n");
}

static void send_frames(int size, double rate, int count, int events) {
    struct sockaddr_in address = local(0);
    socklen_t length = sizeof address;
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), *readers = calloc(count, sizeof *readers);
    check(bind(listener, (struct sockaddr *)&address, length) || listen(listener, 4096), "listen");
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (int i = 0; i < count; i++) {
        readers[i] = accept(listener, NULL, NULL);
        setsockopt(readers[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        check(read(readers[i], buffer, BUFFER) <= 0, "request");
        check(write(readers[i], "HTTP/1.1 200 OK\r\n\r\n", 19) != 19, "answer");
    }
    memset(buffer, 'x', size);
    memcpy(buffer, "data: ", 6);
    memcpy(buffer + size - 2, "\n\n", 2);
    check(getchar() == EOF, "start");
    double started = now(CLOCK_MONOTONIC), before = now(CLOCK_PROCESS_CPUTIME_ID);
    for (int event = 0; event < events; event++) {
        double wait = started + event / rate - now(CLOCK_MONOTONIC);
        if (wait > 0) usleep(wait * 1e6);
        for (int i = 0; i < count; i++) send(readers[i], buffer, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    printf("%f\n", now(CLOCK_PROCESS_CPUTIME_ID) - before);
    fflush(stdout);
    getchar();
}

int main(int count, char **words) {
    struct rlimit handles;
    getrlimit(RLIMIT_NOFILE, &handles);
    handles.rlim_cur = handles.rlim_max;
    setrlimit(RLIMIT_NOFILE, &handles);
    if (count == 5 && !strcmp(words[1], "read")) read_streams(atoi(words[2]), atoi(words[3]), atoi(words[4]));
    else if (count == 6) send_frames(atoi(words[2]), atof(words[3]), atoi(words[4]), atoi(words[5]));
    else return 2;
    return 0;
}

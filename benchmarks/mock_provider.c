/* A chat provider for benchmarks: one thread, epoll, HTTP/1.1 on 127.0.0.1.
 *
 *   cc -O2 -o mock_provider mock_provider.c && ./mock_provider PORT
 *
 * POST, any path              a chat completion of about 1.5 KB. Where the request holds
 *                             [[KEY]] its text begins with "echo:KEY;", so that the
 *                             caller can prove which answer landed on which item.
 * GET /__stats                counters as JSON
 * GET /__reset?latency_ms=N   zero the counters; answer POSTs after N ms from now on
 *
 * Requests carry Content-Length; chunked bodies are refused. A caller sends its next
 * request on a connection after the answer to the one before. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,
    EVENTS_AT_ONCE = 512,
    FILES_MAX = 65536,
    FIRST_CAPACITY = 8192,
    REQUEST_BYTES_MAX = 16 << 20,
    KEY_LENGTH_MAX = 64,
    PADDING_BYTES = 1080,
    ANSWER_TOKENS = 200,
    ANSWER_CAPACITY = 4096,
};

typedef struct Connection {
    int fd;
    char *in;
    size_t in_length, in_capacity;
    char out[ANSWER_CAPACITY];
    size_t out_length, out_sent;
    int is_delayed;
    uint64_t due_us;
    struct Connection *earlier, *later; /* the other delayed answers, by due time */
} Connection;

static int poller;
static Connection *first_due, *last_due;
static uint64_t latency_us;
static char padding[PADDING_BYTES + 1];
static long posts, in_flight, in_flight_max, connections, answer_no;

static uint64_t now_us(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000 + (uint64_t)at.tv_nsec / 1000;
}

static void *must_have(void *memory) {
    if (!memory) {
        perror("mock_provider: memory");
        exit(1);
    }
    return memory;
}

/* Delayed answers: the latency is one for all, so the list is in order by itself. */

static void delay(Connection *c) {
    c->is_delayed = 1;
    c->due_us = now_us() + latency_us;
    c->earlier = last_due;
    c->later = NULL;
    if (last_due) last_due->later = c;
    else first_due = c;
    last_due = c;
}

static void end_delay(Connection *c) {
    c->is_delayed = 0;
    if (c->earlier) c->earlier->later = c->later;
    else first_due = c->later;
    if (c->later) c->later->earlier = c->earlier;
    else last_due = c->earlier;
}

static void watch(Connection *c, int operation, uint32_t what) {
    struct epoll_event event = {.events = what, .data.ptr = c};
    epoll_ctl(poller, operation, c->fd, &event);
}

static void drop(Connection *c) {
    if (c->is_delayed) {
        end_delay(c);
        in_flight--;
    }
    close(c->fd);
    free(c->in);
    free(c);
    connections--;
}

/* Returns 0 when the connection is gone. */
static int send_answer(Connection *c) {
    while (c->out_sent < c->out_length) {
        ssize_t sent = send(c->fd, c->out + c->out_sent, c->out_length - c->out_sent,
                            MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            return 1;
        }
        if (sent < 0) {
            drop(c);
            return 0;
        }
        c->out_sent += (size_t)sent;
    }
    c->out_length = c->out_sent = 0;
    return 1;
}

static void write_answer(Connection *c, const char *status, const char *body) {
    int length = snprintf(c->out, sizeof c->out,
                          "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
                          "Content-Length: %zu\r\n\r\n%s",
                          status, strlen(body), body);
    c->out_length = (size_t)length;
    c->out_sent = 0;
}

static void find_key(const char *body, size_t length, char key[KEY_LENGTH_MAX + 1]) {
    const char *begin = memmem(body, length, "[[", 2);
    key[0] = 0;
    if (!begin) return;
    begin += 2;
    const char *end = memmem(begin, length - (size_t)(begin - body), "]]", 2);
    if (!end || end - begin > KEY_LENGTH_MAX) return;
    memcpy(key, begin, (size_t)(end - begin));
    key[end - begin] = 0;
}

static void complete_chat(Connection *c, const char *body, size_t length) {
    char key[KEY_LENGTH_MAX + 1], answer[ANSWER_CAPACITY - 512];
    size_t prompt_tokens = length / 4;
    find_key(body, length, key);
    snprintf(answer, sizeof answer,
             "{\"id\":\"chatcmpl-%ld\",\"object\":\"chat.completion\","
             "\"created\":1700000000,\"model\":\"mock-1\",\"choices\":[{\"index\":0,"
             "\"message\":{\"role\":\"assistant\",\"content\":\"echo:%s;%s\","
             "\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
             "\"usage\":{\"prompt_tokens\":%zu,\"completion_tokens\":%d,"
             "\"total_tokens\":%zu},\"system_fingerprint\":\"fp_mock\"}",
             ++answer_no, key, padding, prompt_tokens, ANSWER_TOKENS,
             prompt_tokens + ANSWER_TOKENS);
    posts++;
    write_answer(c, "200 OK", answer);
}

static void tell_stats(Connection *c) {
    struct rusage used;
    char body[512];
    getrusage(RUSAGE_SELF, &used);
    snprintf(body, sizeof body,
             "{\"posts\":%ld,\"in_flight_max\":%ld,\"connections\":%ld,"
             "\"cpu_seconds\":%.4f}",
             posts, in_flight_max, connections,
             (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
    write_answer(c, "200 OK", body);
}

static void reset(Connection *c, const char *head) {
    const char *asked = strstr(head, "latency_ms=");
    latency_us = asked ? strtoul(asked + strlen("latency_ms="), NULL, 10) * 1000 : 0;
    posts = in_flight_max = 0;
    write_answer(c, "200 OK", "{}");
}

/* Returns 0 when the connection is gone. */
static int answer(Connection *c, const char *head, const char *body, size_t length) {
    if (!strncmp(head, "POST ", 5)) {
        complete_chat(c, body, length);
        if (latency_us) {
            if (++in_flight > in_flight_max) in_flight_max = in_flight;
            delay(c);
            return 1;
        }
    } else if (!strncmp(head, "GET /__stats", 12)) {
        tell_stats(c);
    } else if (!strncmp(head, "GET /__reset", 12)) {
        reset(c, head);
    } else {
        write_answer(c, "404 Not Found", "{}");
    }
    return send_answer(c);
}

/* Answer every complete request that has arrived; 0 when the connection is gone. */
static int serve(Connection *c) {
    while (!c->is_delayed && !c->out_length && c->in_length) {
        char *end = memmem(c->in, c->in_length, "\r\n\r\n", 4);
        if (!end) return 1;
        *end = 0; /* the head is text now */
        size_t head_bytes = (size_t)(end - c->in) + 4;
        char *named = strcasestr(c->in, "\r\nContent-Length:");
        size_t body_bytes = named ? strtoul(named + 17, NULL, 10) : 0;
        int is_refused = body_bytes > REQUEST_BYTES_MAX ||
                         strcasestr(c->in, "\r\nTransfer-Encoding:") != NULL;
        if (is_refused) {
            drop(c);
            return 0;
        }
        if (c->in_length < head_bytes + body_bytes) {
            *end = '\r';
            return 1;
        }
        if (!answer(c, c->in, c->in + head_bytes, body_bytes)) return 0;
        c->in_length -= head_bytes + body_bytes;
        memmove(c->in, c->in + head_bytes + body_bytes, c->in_length);
    }
    return 1;
}

static void receive(Connection *c) {
    for (;;) {
        if (c->in_length == c->in_capacity) {
            c->in_capacity *= 2;
            c->in = must_have(realloc(c->in, c->in_capacity));
        }
        size_t room = c->in_capacity - c->in_length;
        ssize_t got = recv(c->fd, c->in + c->in_length, room, 0);
        if (got < 0 && errno == EAGAIN) break;
        if (got <= 0) {
            drop(c);
            return;
        }
        c->in_length += (size_t)got;
        if ((size_t)got < room) break;
    }
    serve(c);
}

static void welcome(int listener) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        Connection *c = must_have(calloc(1, sizeof *c));
        c->fd = fd;
        c->in_capacity = FIRST_CAPACITY;
        c->in = must_have(malloc(c->in_capacity));
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        connections++;
        watch(c, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static void send_due(void) {
    while (first_due && first_due->due_us <= now_us()) {
        Connection *c = first_due;
        end_delay(c);
        in_flight--;
        if (send_answer(c)) serve(c);
    }
}

static int wait_ms(void) {
    if (!first_due) return -1;
    uint64_t now = now_us();
    return first_due->due_us <= now ? 0 : (int)((first_due->due_us - now + 999) / 1000);
}

static int listen_on(int port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) ||
        listen(listener, BACKLOG)) {
        perror("mock_provider");
        exit(1);
    }
    return listener;
}

int main(int count, char **words) {
    if (count != 2) {
        fprintf(stderr, "usage: mock_provider PORT\n");
        return 2;
    }
    struct rlimit files = {FILES_MAX, FILES_MAX};
    setrlimit(RLIMIT_NOFILE, &files);
    for (int i = 0; i < PADDING_BYTES; i++)
        padding[i] = "an answer of ordinary length "[i % 29];
    int listener = listen_on(atoi(words[1]));
    poller = epoll_create1(0);
    struct epoll_event listening = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS_AT_ONCE];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &listening);
    for (;;) {
        int ready = epoll_wait(poller, events, EVENTS_AT_ONCE, wait_ms());
        for (int i = 0; i < ready; i++) {
            Connection *c = events[i].data.ptr;
            if (!c) {
                welcome(listener);
                continue;
            }
            if (events[i].events & EPOLLOUT) {
                watch(c, EPOLL_CTL_MOD, EPOLLIN);
                if (!send_answer(c)) continue;
            }
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c);
        }
        send_due();
    }
}

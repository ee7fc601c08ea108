/*
 * The smallest fan-out server on a completion port: what a relay in C gets out of this machine. It reads no RTMP: what comes from
 * the publisher goes on to all players as it is, from one ring, and a player who is sent nothing gets all that has come since
 * with one WSASend. It drops nothing: who is behind by more than the ring gets nothing any more.
 *
 * The last argument is the runner's port. See control.ts for what is said there.
 */
#include <winsock2.h>
#include <psapi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RING_BYTES (64u << 20)
#define READ_BYTES (256u << 10)
#define BATCH_BYTES (256u << 10)
#define OPENING_BYTES 8192
#define ENTRIES 128
/* S0, S1 and S2 of the handshake, and SetChunkSize with 65536. */
#define WELCOME_BYTES (1 + 2 * 1536 + 16)

typedef struct Peer {
  OVERLAPPED receive, send; /* the first members: an OVERLAPPED tells which it is */
  SOCKET socket;
  int isPlayer, isPublisher, isSending, isLost;
  uint64_t at; /* of the stream: what was sent to him */
  int openingBytes;
  char opening[OPENING_BYTES];
  struct Peer *next;
} Peer;

static char *ring, welcome[WELCOME_BYTES];
static uint64_t head; /* of the stream: what has come */
static Peer *players;
static HANDLE port;
static volatile LONG begun;

static void fail(const char *what) {
  fprintf(stderr, "relay-c: %s failed with %lu\n", what, GetLastError());
  ExitProcess(1);
}

/* 0: done at once; 1: a packet will come; -1: it has failed, and there will be none. */
static int stateOf(int result) {
  if (result == 0) return 0;
  return WSAGetLastError() == WSA_IO_PENDING ? 1 : -1;
}

/* Sends what has come since, until a send is under way. */
static void sendOn(Peer *peer) {
  while (!peer->isSending && !peer->isLost && peer->at < head) {
    uint64_t behind = head - peer->at;
    if (behind > RING_BYTES - READ_BYTES) { peer->isLost = 1; return; }
    uint32_t bytes = behind > BATCH_BYTES ? BATCH_BYTES : (uint32_t)behind;
    uint32_t from = (uint32_t)(peer->at % RING_BYTES), first = RING_BYTES - from < bytes ? RING_BYTES - from : bytes;
    WSABUF pieces[2] = {{first, ring + from}, {bytes - first, ring}};
    peer->at += bytes;
    memset(&peer->send, 0, sizeof peer->send);
    int state = stateOf(WSASend(peer->socket, pieces, bytes > first ? 2 : 1, NULL, 0, &peer->send, NULL));
    if (state < 0) peer->isLost = 1;
    peer->isSending = state == 1;
  }
}

static void received(Peer *peer, DWORD bytes);

/* Reads until a read is under way. */
static void receive(Peer *peer) {
  for (;;) {
    WSABUF into = {OPENING_BYTES - peer->openingBytes, peer->opening + peer->openingBytes};
    if (peer->isPublisher) {
      uint32_t to = (uint32_t)(head % RING_BYTES);
      into.buf = ring + to;
      into.len = RING_BYTES - to < READ_BYTES ? RING_BYTES - to : READ_BYTES;
    }
    DWORD flags = 0, bytes = 0;
    memset(&peer->receive, 0, sizeof peer->receive);
    int state = stateOf(WSARecv(peer->socket, &into, 1, &bytes, &flags, &peer->receive, NULL));
    if (state != 0 || bytes == 0) return;
    received(peer, bytes);
  }
}

static int contains(const char *bytes, int count, const char *wanted, int length) {
  for (int at = 0; at + length <= count; at++) if (memcmp(bytes + at, wanted, length) == 0) return 1;
  return 0;
}

static void received(Peer *peer, DWORD bytes) {
  if (peer->isPublisher) { head += bytes; return; }
  if (peer->isPlayer) return;
  peer->openingBytes += bytes;
  /* A command ends with 'live': the load sends all of its opening at once. */
  if (peer->openingBytes < 4 || memcmp(peer->opening + peer->openingBytes - 4, "live", 4) != 0) return;
  if (contains(peer->opening, peer->openingBytes, "\0\7publish", 9)) peer->isPublisher = 1;
  else if (contains(peer->opening, peer->openingBytes, "\0\4play", 6)) {
    peer->isPlayer = 1;
    peer->openingBytes = 0;
    peer->at = head;
    peer->next = players;
    players = peer;
    WSABUF all = {WELCOME_BYTES, welcome};
    memset(&peer->send, 0, sizeof peer->send);
    peer->isSending = stateOf(WSASend(peer->socket, &all, 1, NULL, 0, &peer->send, NULL)) == 1;
  } else return;
  InterlockedIncrement(&begun);
}

static void ended(Peer *peer, OVERLAPPED *operation, DWORD bytes) {
  if (operation == &peer->send) { peer->isSending = 0; sendOn(peer); return; }
  if (bytes == 0) return;
  received(peer, bytes);
  receive(peer);
}

static DWORD WINAPI acceptAll(void *listener) {
  for (;;) {
    SOCKET socket = accept((SOCKET)listener, NULL, NULL);
    if (socket == INVALID_SOCKET) fail("accept");
    Peer *peer = calloc(1, sizeof *peer);
    BOOL on = 1;
    if (peer == NULL) fail("calloc");
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, (char *)&on, sizeof on);
    peer->socket = socket;
    CreateIoCompletionPort((HANDLE)socket, port, (ULONG_PTR)peer, 0);
    SetFileCompletionNotificationModes((HANDLE)socket, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS);
    PostQueuedCompletionStatus(port, 0, (ULONG_PTR)peer, NULL); /* the loop's thread begins to read */
  }
  return 0;
}

static double seconds(FILETIME time) { return (((uint64_t)time.dwHighDateTime << 32) | time.dwLowDateTime) / 1e7; }

static DWORD WINAPI obey(void *argument) {
  SOCKET control = (SOCKET)argument;
  char line[64], answer[256];
  for (int length = 0;;) {
    if (recv(control, line + length, 1, 0) != 1) ExitProcess(0);
    if (line[length] != '\n') { length = length < 60 ? length + 1 : 0; continue; }
    line[length] = 0, length = 0;
    if (strcmp(line, "quit") == 0) ExitProcess(0);
    FILETIME created, exited, kernel, user;
    PROCESS_MEMORY_COUNTERS memory = {sizeof memory};
    GetProcessTimes(GetCurrentProcess(), &created, &exited, &kernel, &user);
    GetProcessMemoryInfo(GetCurrentProcess(), &memory, sizeof memory);
    sprintf(answer, "{\"cpuSeconds\":%.3f,\"rssBytes\":%llu,\"pinnedBytes\":0,\"accepted\":%ld,\"dropped\":0}\n",
            seconds(kernel) + seconds(user), (unsigned long long)memory.WorkingSetSize, begun);
    send(control, answer, (int)strlen(answer), 0);
  }
}

static struct sockaddr_in local(int number) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(number)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int main(int count, char **arguments) {
  WSADATA data;
  if (WSAStartup(MAKEWORD(2, 2), &data) != 0) fail("WSAStartup");
  ring = malloc(RING_BYTES);
  welcome[0] = 3;
  memcpy(welcome + WELCOME_BYTES - 16, "\2\0\0\0\0\0\4\1\0\0\0\0\0\1\0\0", 16);
  port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);

  SOCKET listener = socket(AF_INET, SOCK_STREAM, 0), control = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = local(0), runner = local(atoi(arguments[count - 1]));
  int length = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) fail("bind");
  if (listen(listener, SOMAXCONN) != 0) fail("listen");
  getsockname(listener, (struct sockaddr *)&address, &length);
  if (connect(control, (struct sockaddr *)&runner, sizeof runner) != 0) fail("connect");
  char ready[64];
  sprintf(ready, "{\"port\":%d,\"node\":\"\"}\n", ntohs(address.sin_port));
  send(control, ready, (int)strlen(ready), 0);
  CreateThread(NULL, 0, acceptAll, (void *)listener, 0, NULL);
  CreateThread(NULL, 0, obey, (void *)control, 0, NULL);

  for (;;) {
    OVERLAPPED_ENTRY entries[ENTRIES];
    ULONG taken = 0;
    if (!GetQueuedCompletionStatusEx(port, entries, ENTRIES, &taken, INFINITE, FALSE)) fail("GetQueuedCompletionStatusEx");
    uint64_t before = head;
    for (ULONG index = 0; index < taken; index++) {
      Peer *peer = (Peer *)entries[index].lpCompletionKey;
      if (entries[index].lpOverlapped == NULL) receive(peer);
      else ended(peer, entries[index].lpOverlapped, entries[index].dwNumberOfBytesTransferred);
    }
    if (head > before) for (Peer *peer = players; peer != NULL; peer = peer->next) sendOn(peer);
  }
}

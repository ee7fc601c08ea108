/*
 * The smallest fan-out server on a completion port: what a relay in C gets out of this machine. It reads no RTMP: what comes from
 * the publisher goes on to all players as it is, from one ring, and a player who is sent nothing gets all that has come since
 * with one WSASend. It drops nothing: who is behind by more than the ring gets nothing any more.
 */
#include "control.h"

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
  InterlockedIncrement(&accepted);
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

int main(int count, char **arguments) {
  begin();
  ring = malloc(RING_BYTES);
  welcome[0] = 3;
  memcpy(welcome + WELCOME_BYTES - 16, "\2\0\0\0\0\0\4\1\0\0\0\0\0\1\0\0", 16);
  port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
  serve(arguments[count - 1], acceptAll);

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

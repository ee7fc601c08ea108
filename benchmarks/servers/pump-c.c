/*
 * The smallest server that sends blocks on a completion port: what pump can give on this machine, whatever a language costs. Every
 * connection has one WSASend under way and, when that has been taken, the next; those that succeed at once bring no packet, and
 * the connection is asked again in the next round, after all others.
 */
#include "control.h"

#define BLOCK_BYTES 65536 /* PUMP_BYTES of settings.ts */
#define MAX_CONNECTIONS 1024
#define ENTRIES 128
/* The port is looked at after so many rounds, as the library does. */
#define ROUNDS_PER_LOOK 16

typedef struct Peer {
  OVERLAPPED send; /* the first member: an OVERLAPPED tells whose it is */
  SOCKET socket;
} Peer;

static char block[BLOCK_BYTES];
static HANDLE port;
/* Those that may send, of whom the first `count` are in this round. */
static Peer *ready[MAX_CONNECTIONS];
static int count;

/* Each that may send sends a block; who has to wait for a packet leaves the list. */
static void sendRound(void) {
  int kept = 0;
  for (int index = 0; index < count; index++) {
    Peer *peer = ready[index];
    WSABUF data = {BLOCK_BYTES, block};
    DWORD bytes = 0;
    memset(&peer->send, 0, sizeof peer->send);
    if (WSASend(peer->socket, &data, 1, &bytes, 0, &peer->send, NULL) == 0) ready[kept++] = peer;
    else if (WSAGetLastError() != WSA_IO_PENDING) closesocket(peer->socket);
  }
  count = kept;
}

static void look(DWORD milliseconds) {
  OVERLAPPED_ENTRY entries[ENTRIES];
  ULONG taken = 0;
  if (!GetQueuedCompletionStatusEx(port, entries, ENTRIES, &taken, milliseconds, FALSE)) {
    if (GetLastError() != WAIT_TIMEOUT) fail("GetQueuedCompletionStatusEx");
    return;
  }
  for (ULONG index = 0; index < taken; index++) {
    Peer *peer = (Peer *)entries[index].lpCompletionKey;
    /* A packet without an OVERLAPPED: the connection is new. One whose send has failed is over. */
    if (entries[index].lpOverlapped != NULL && peer->send.Internal != 0) closesocket(peer->socket);
    else ready[count++] = peer;
  }
}

static DWORD WINAPI acceptAll(void *listener) {
  for (;;) {
    SOCKET socket = accept((SOCKET)listener, NULL, NULL);
    if (socket == INVALID_SOCKET) fail("accept");
    if (accepted == MAX_CONNECTIONS) fail("a list of so many connections");
    Peer *peer = calloc(1, sizeof *peer);
    BOOL on = 1;
    if (peer == NULL) fail("calloc");
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, (char *)&on, sizeof on);
    peer->socket = socket;
    CreateIoCompletionPort((HANDLE)socket, port, (ULONG_PTR)peer, 0);
    if (!SetFileCompletionNotificationModes((HANDLE)socket, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE))
      fail("SetFileCompletionNotificationModes");
    InterlockedIncrement(&accepted);
    PostQueuedCompletionStatus(port, 0, (ULONG_PTR)peer, NULL); /* the loop's thread begins to send */
  }
  return 0;
}

int main(int argumentCount, char **arguments) {
  begin();
  for (int at = 0; at < BLOCK_BYTES; at++) block[at] = "pump"[at % 4];
  port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
  serve(arguments[argumentCount - 1], acceptAll);

  for (;;) {
    look(count == 0 ? INFINITE : 0);
    for (int round = 0; round < ROUNDS_PER_LOOK && count > 0; round++) sendRound();
  }
}

/*
 * What servers in C have in common: the server's socket, and the line between them and the runner, which is their last argument's port.
 * control.ts is the same for all others, and says what is said there.
 */
#include <winsock2.h>
#include <psapi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile LONG accepted; /* of the server's clients, what the runner is told */

static void fail(const char *what) {
  fprintf(stderr, "%s failed with %lu\n", what, GetLastError());
  ExitProcess(1);
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
            seconds(kernel) + seconds(user), (unsigned long long)memory.WorkingSetSize, accepted);
    send(control, answer, (int)strlen(answer), 0);
  }
}

static struct sockaddr_in local(int number) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(number)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/* Tells the runner the port of a socket, and has a thread answer what it asks. */
static void report(const char *runnersPort, SOCKET server) {
  SOCKET control = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address, runner = local(atoi(runnersPort));
  int length = sizeof address;
  getsockname(server, (struct sockaddr *)&address, &length);
  if (connect(control, (struct sockaddr *)&runner, sizeof runner) != 0) fail("connect");
  char ready[64];
  sprintf(ready, "{\"port\":%d,\"node\":\"\"}\n", ntohs(address.sin_port));
  send(control, ready, (int)strlen(ready), 0);
  CreateThread(NULL, 0, obey, (void *)control, 0, NULL);
}

static void bindLocally(SOCKET server) {
  struct sockaddr_in address = local(0);
  if (bind(server, (struct sockaddr *)&address, sizeof address) != 0) fail("bind");
}

/* Listens, and gives the socket to a thread of its own, which accepts. */
static inline void serve(const char *runnersPort, LPTHREAD_START_ROUTINE acceptAll) {
  SOCKET listener = socket(AF_INET, SOCK_STREAM, 0);
  bindLocally(listener);
  if (listen(listener, SOMAXCONN) != 0) fail("listen");
  report(runnersPort, listener);
  CreateThread(NULL, 0, acceptAll, (void *)listener, 0, NULL);
}

static void begin(void) {
  WSADATA data;
  if (WSAStartup(MAKEWORD(2, 2), &data) != 0) fail("WSAStartup");
}

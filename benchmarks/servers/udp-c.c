/*
 * The smallest echo of datagrams that there can be: two calls for each, on a socket that blocks, and nothing else. What anybody
 * can get on this machine with a call of the system per datagram and direction, which is all that Wine has.
 */
#include "control.h"

#define LARGEST 65536

int main(int argumentCount, char **arguments) {
  static char data[LARGEST];
  begin();
  SOCKET echo = socket(AF_INET, SOCK_DGRAM, 0);
  bindLocally(echo);
  report(arguments[argumentCount - 1], echo);
  for (;;) {
    struct sockaddr_in peer;
    int length = sizeof peer;
    int bytes = recvfrom(echo, data, LARGEST, 0, (struct sockaddr *)&peer, &length);
    if (bytes >= 0) sendto(echo, data, bytes, 0, (struct sockaddr *)&peer, length);
    else if (WSAGetLastError() != WSAECONNRESET) fail("recvfrom"); /* (a peer that is gone: ICMP said so) */
  }
}

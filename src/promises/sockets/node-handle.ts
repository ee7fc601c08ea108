/** What the sockets of Node.js have in common, here. */
export class NodeHandle<Handle extends { ref(): unknown; unref(): unknown }> {
  protected readonly socket: Handle;

  constructor(socket: Handle) {
    this.socket = socket;
  }

  ref(): void {
    this.socket.ref();
  }

  unref(): void {
    this.socket.unref();
  }
}

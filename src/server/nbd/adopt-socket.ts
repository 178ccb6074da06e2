import { Socket, type SocketConstructorOpts } from 'node:net';

/** Bytes read in one system call at most: about what a socket holds. */
const readBufferBytes = 256 * 1024;

/** One for all sockets: what is read is dealt with before the next read. */
const readBuffer = new Uint8Array(readBufferBytes);

interface SocketWithHandle {
  _handle: unknown;
}

interface ReadingOptions extends SocketConstructorOpts {
  handle: unknown;
  onread: { buffer: Uint8Array; callback: (count: number, buffer: Uint8Array) => boolean };
}

/**
 * Makes an accepted socket (which must not have begun to read) read into one buffer that is used
 * again and again, and calls `receive` with what came, valid until it returns.
 *
 * Left to itself Node allocates 64 KiB for each read. At a gigabyte a second that is 16 000 buffers
 * a second, and half of the server's time goes to page faults and the garbage collector. Node's
 * cure, `onread`, is there for sockets that connect but not for those that a server accepts, so the
 * connection is moved to a socket that has it. Should a Node keep the handle to itself, nothing is
 * done and undefined returned: the accepted socket then delivers by events.
 */
export function adoptSocket(
  accepted: Socket,
  receive: (piece: Uint8Array) => void,
): Socket | undefined {
  const owner = accepted as unknown as SocketWithHandle;
  const handle = owner._handle as { useUserBuffer?: unknown } | null | undefined;
  if (typeof handle?.useUserBuffer !== 'function') return undefined;
  owner._handle = null;
  // Without its handle it is an empty shell; the listener stops counting it.
  accepted.destroy();
  const options: ReadingOptions = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: readBuffer,
      callback: (count) => {
        receive(readBuffer.subarray(0, count));
        return true;
      },
    },
  };
  return new Socket(options);
}

import { Socket, type SocketConstructorOpts } from 'node:net';

/** Bytes read in one system call at most: about what a socket holds. */
const readBufferBytes = 256 * 1024;

/** One for all sockets: what is read is dealt with before the next read. */
const readBuffer = new Uint8Array(readBufferBytes);

/** Who takes what a socket reads. */
export interface Receiver {
  /** Takes what came; `piece` is the caller's again on return. */
  receive(piece: Uint8Array): void;
  /** Where the next bytes belong, if that is known; undefined: they go through {@link receive}. */
  room(): Uint8Array | undefined;
  /** So many bytes have come and stand at the beginning of what {@link room} gave last. */
  filled(count: number): void;
}

interface SocketWithHandle {
  _handle: unknown;
}

interface ReadingOptions extends SocketConstructorOpts {
  handle: unknown;
  onread: {
    buffer: () => Uint8Array;
    callback: (count: number, buffer: Uint8Array) => boolean;
  };
}

/**
 * Makes an accepted socket (which must not have begun to read) read into one buffer that is used
 * again and again, or right to where a payload belongs, and tells `receiver`.
 *
 * Left to itself Node allocates 64 KiB for each read. At a gigabyte a second that is 16 000 buffers
 * a second, and half of the server's time goes to page faults and the garbage collector. Node's
 * cure, `onread`, is there for sockets that connect but not for those that a server accepts, so the
 * connection is moved to a socket that has it. That a socket has a `_handle` and can be made of one
 * is not documented, so nothing depends on it: should a Node keep the handle to itself or not take
 * it, undefined is returned, and the accepted socket, as it was, delivers by events.
 */
export function adoptSocket(accepted: Socket, receiver: Receiver): Socket | undefined {
  const owner = accepted as unknown as SocketWithHandle;
  const handle = owner._handle as { useUserBuffer?: unknown } | null | undefined;
  if (typeof handle?.useUserBuffer !== 'function') return undefined;
  const options: ReadingOptions = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: () => receiver.room() ?? readBuffer,
      callback: (count, buffer) => {
        if (buffer === readBuffer) receiver.receive(readBuffer.subarray(0, count));
        else receiver.filled(count);
        return true;
      },
    },
  };
  const adopted = new Socket(options);
  if ((adopted as unknown as SocketWithHandle)._handle !== handle) return undefined;
  // Without its handle it is an empty shell; the listener stops counting it.
  owner._handle = null;
  accepted.destroy();
  return adopted;
}
